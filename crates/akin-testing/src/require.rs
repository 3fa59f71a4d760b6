//! Tests that need something that a machine may lack: a compiler, a GPU, a second user.
//!
//! In: what is missing, and why. Out: whether the test may be skipped. `AKIN_REQUIRE`, a list with commas,
//! names what a machine must have, so that a run that installed a compiler cannot pass without it.

/// Whether the test that calls this is to be skipped: prints `skipped: ...` and returns true.
///
/// # Panics
/// If `AKIN_REQUIRE` names the thing.
pub fn missing(thing: &str, why: &str) -> bool {
    let required = std::env::var("AKIN_REQUIRE").unwrap_or_default();
    assert!(
        !names(&required, thing),
        "AKIN_REQUIRE names {thing}, which is missing: {why}"
    );
    println!("skipped: {why}");
    true
}

/// Whether a list with commas names a thing.
fn names(list: &str, thing: &str) -> bool {
    list.split(',').any(|name| name.trim() == thing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_whole_words_only() {
        assert!(names("compiler", "compiler"));
        assert!(names("gpu, compiler", "compiler"));
        assert!(!names("", "compiler"));
        assert!(!names("compilers", "compiler"));
    }
}
