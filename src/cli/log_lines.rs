//! Messages for people as lines of the JSON log, so that with `--log json` all of stderr is JSON.
//!
//! In: text, a message a line, as the rest of the program writes it. Out: a JSON object a message, with the
//! time and the level that the log's own lines have. What follows an error (`caused by:`, `hint:`, `tip:`)
//! becomes a field of it.

use std::io::{self, Write};

use serde::Serialize;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// Makes JSON of messages, up to its end.
pub(super) struct LogLines<W: Write> {
    out: W,
    /// What is not a whole line yet.
    part: Vec<u8>,
    message: Option<LogMessage>,
}

/// A message as the log has it.
#[derive(Debug, Default, Serialize, PartialEq)]
struct LogMessage {
    #[serde(skip_serializing_if = "String::is_empty")]
    timestamp: String,
    level: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    caused_by: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    target: &'static str,
}

impl<W: Write> LogLines<W> {
    pub(super) fn new(out: W) -> LogLines<W> {
        LogLines {
            out,
            part: Vec::new(),
            message: None,
        }
    }

    /// Takes one line.
    fn take(&mut self, line: &str) -> io::Result<()> {
        let begins = |kind: &str| line.strip_prefix(kind).map(str::trim);
        let level = [("error:", "ERROR"), ("warning:", "WARN"), ("note:", "INFO")]
            .iter()
            .find_map(|(kind, level)| Some((*level, begins(kind)?)));
        if let Some((level, text)) = level {
            self.emit()?;
            self.message = Some(LogMessage::new(level, text));
            return Ok(());
        }
        let text = line.trim();
        let is_empty = text.is_empty() || text.starts_with("For more information, try");
        match &mut self.message {
            _ if is_empty => {}
            None => self.message = Some(LogMessage::new("INFO", text)),
            Some(message) => {
                let hint = ["hint:", "tip:"]
                    .iter()
                    .find_map(|kind| text.strip_prefix(kind));
                if let Some(cause) = text.strip_prefix("caused by:") {
                    message.caused_by.push(cause.trim().to_owned());
                } else if let Some(hint) = hint {
                    message.hint = Some(hint.trim().to_owned());
                } else {
                    message.message.push('\n');
                    message.message.push_str(text);
                }
            }
        }
        Ok(())
    }

    fn emit(&mut self) -> io::Result<()> {
        let Some(message) = self.message.take() else {
            return Ok(());
        };
        let mut line = serde_json::to_vec(&message)?;
        line.push(b'\n');
        self.out.write_all(&line)
    }
}

impl LogMessage {
    fn new(level: &'static str, text: &str) -> LogMessage {
        let mut timestamp = String::new();
        // As the log's own lines have it; nothing can fail here but the clock.
        let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
        LogMessage {
            timestamp,
            level,
            message: text.to_owned(),
            target: "akin",
            ..LogMessage::default()
        }
    }
}

impl<W: Write> Write for LogLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend(bytes);
        while let Some(at) = self.part.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.part.drain(..=at).collect();
            self.take(&String::from_utf8_lossy(&line))?;
        }
        Ok(bytes.len())
    }

    /// A message is whole when its writer is dropped: its hint comes after it.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Write> Drop for LogLines<W> {
    fn drop(&mut self) {
        let rest = std::mem::take(&mut self.part);
        // If stderr cannot be written, nobody can be informed.
        let _ = self.take(&String::from_utf8_lossy(&rest));
        let _ = self.emit();
        let _ = self.out.flush();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn lines(text: &str) -> Vec<Value> {
        let mut out = Vec::new();
        LogLines::new(&mut out).write_all(text.as_bytes()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let parse = |line: &str| -> Value {
            let mut value: Value = serde_json::from_str(line).unwrap();
            assert!(
                value["timestamp"].as_str().unwrap().ends_with('Z'),
                "{line}"
            );
            value.as_object_mut().unwrap().remove("timestamp");
            value
        };
        text.lines().map(parse).collect()
    }

    #[test]
    fn a_message_is_an_object_and_a_hint_is_a_field_of_it() {
        assert_eq!(
            lines("error: no\ncaused by: a\ncaused by: b\nhint: do\nnote: one\ntext\n"),
            [
                json!({"level": "ERROR", "message": "no", "caused_by": ["a", "b"], "hint": "do", "target": "akin"}),
                json!({"level": "INFO", "message": "one\ntext", "target": "akin"}),
            ]
        );
        assert_eq!(
            lines(
                "error: bad\n\n  tip: good\n\nUsage: akin\n\nFor more information, try '--help'.\n"
            ),
            [
                json!({"level": "ERROR", "message": "bad\nUsage: akin", "hint": "good", "target": "akin"})
            ]
        );
        assert_eq!(lines("\n"), [Value::Null; 0]);
    }
}
