//! Bytes that a thread of their own produces ahead of their reader: decompression costs as much as
//! reading records does.
//!
//! In: a reader. Out: the same bytes, and the same error if there is one. At most [`BUFFERS`] + 2
//! buffers are held. The thread ends with the bytes, or when nobody reads them any more.

use std::io::{self, Read};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::bytes::BUFFER_BYTES;

/// Buffers that are full and wait to be read.
const BUFFERS: usize = 4;

/// Bytes that another thread makes.
pub(crate) struct Ahead {
    buffers: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    /// How much of `current` has been read.
    at: usize,
}

impl Ahead {
    pub(crate) fn new(bytes: impl Read + Send + 'static) -> Ahead {
        let (to_reader, buffers) = bounded(BUFFERS);
        thread::spawn(move || read_all(bytes, &to_reader));
        Ahead {
            buffers,
            current: Vec::new(),
            at: 0,
        }
    }
}

fn read_all(mut bytes: impl Read, to_reader: &Sender<io::Result<Vec<u8>>>) {
    loop {
        let mut buffer = Vec::with_capacity(BUFFER_BYTES);
        let outcome = bytes
            .by_ref()
            .take(BUFFER_BYTES as u64)
            .read_to_end(&mut buffer);
        let is_over = buffer.len() < BUFFER_BYTES;
        // The bytes before an error are passed on first.
        let is_left = !buffer.is_empty() && to_reader.send(Ok(buffer)).is_err();
        if let Err(error) = outcome {
            let _ = to_reader.send(Err(error));
            return;
        }
        if is_left || is_over {
            return;
        }
    }
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == self.current.len() {
            match self.buffers.recv() {
                Ok(buffer) => (self.current, self.at) = (buffer?, 0),
                // The thread has sent everything and is gone.
                Err(_) => return Ok(0),
            }
        }
        let n = (&self.current[self.at..]).read(buf)?;
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in small pieces, and then fails.
    struct Failing(Vec<u8>);

    impl Read for Failing {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "torn"));
            }
            let n = self.0.len().min(buf.len()).min(1000);
            buf[..n].copy_from_slice(&self.0[..n]);
            self.0.drain(..n);
            Ok(n)
        }
    }

    fn numbers(n_bytes: usize) -> Vec<u8> {
        (0..n_bytes).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn the_bytes_are_the_same_and_so_is_the_end() {
        for n_bytes in [0, 1, BUFFER_BYTES - 1, BUFFER_BYTES, 3 * BUFFER_BYTES + 7] {
            let bytes = numbers(n_bytes);
            let mut read = Vec::new();
            let mut ahead = Ahead::new(io::Cursor::new(bytes.clone()));
            ahead.read_to_end(&mut read).expect("no error");
            assert!(read == bytes, "{n_bytes}");
            assert_eq!(ahead.read(&mut [0]).expect("the end"), 0);
        }
    }

    #[test]
    fn what_comes_before_an_error_is_read() {
        let bytes = numbers(BUFFER_BYTES + 5000);
        let mut read = Vec::new();
        let error = Ahead::new(Failing(bytes.clone())).read_to_end(&mut read);
        assert_eq!(error.expect_err("an error").to_string(), "torn");
        assert!(read == bytes);
    }

    #[test]
    fn nobody_has_to_read_to_the_end() {
        let mut ahead = Ahead::new(io::repeat(7));
        let mut some = [0; 10];
        ahead.read_exact(&mut some).expect("bytes without end");
        assert_eq!(some, [7; 10]);
    }
}
