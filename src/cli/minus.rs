//! A question with a minus before a word, that was taken for options: how to ask it.
//!
//! In: the arguments as typed, and the letter that is not an option. Out: a tip in place of clap's, which names
//! that letter alone.

use clap::error::{ContextKind, ContextValue};

/// The tip for wrong arguments of `search`; `None` if they hold no word with a minus.
pub(super) fn tip(misuse: &clap::Error, arguments: &[String]) -> Option<String> {
    let Some(ContextValue::String(letter)) = misuse.get(ContextKind::InvalidArg) else {
        return None;
    };
    let is_search = arguments.iter().any(|argument| argument == "search");
    let options = arguments.iter().take_while(|argument| *argument != "--");
    let word = options.skip(1).find(|word| is_minus_word(word, letter));
    let word = word.filter(|_| is_search)?;
    let word = word.replace('\'', "'\\''");
    Some(format!(
        "  tip: to leave out papers with a word, put the question behind --, after all options:\n\
         \x20      akin search -- 'QUESTION {word}'"
    ))
}

/// Whether an argument is a minus and a word that begins with this unknown option, `-x`.
fn is_minus_word(argument: &str, letter: &str) -> bool {
    let word = argument.strip_prefix('-').unwrap_or_default();
    let n_letters = word.chars().take_while(|c| c.is_alphabetic()).count();
    let is_quoted = word.starts_with('"');
    // Options may stand before the unknown one: `-vg`.
    argument.contains(letter.trim_start_matches('-')) && (n_letters > 1 || is_quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_a_minus_is_no_long_option_and_no_number() {
        let check = |argument: &str, letter: &str, expected: bool| {
            assert_eq!(is_minus_word(argument, letter), expected, "{argument}");
        };
        check("-glass", "-g", true);
        check("-glass spin", "-g", true);
        check("-\"spin glass\"", "-\"", true);
        check("-vglass", "-g", true);
        check("--glassy", "--glassy", false);
        check("-x", "-x", false);
        check("glass", "-g", false);
        check("-k5", "-g", false);
    }
}
