//! A whole field to the parts that its marks divide, and these to names.
//!
//! In: a field, verbatim. Out: its names. Semicolons, bars, slashes between spaces, bullets and
//! line ends divide names more strongly than commas and "and" (`part.rs`). If there are any, a
//! comma marks the family name.

use std::borrow::Cow;

use super::one::Name;
use super::order::Order;
use super::part;
use crate::text::clean::clean;

/// The names of a field that is not a list in a program's syntax.
pub(super) fn names(field: &str, order: Order) -> Vec<Name> {
    if order != Order::Reading
        && let Some(lines) = lines(field)
    {
        return lines
            .into_iter()
            .flat_map(|line| marked(line, order, true))
            .collect();
    }
    marked(field, order, false)
}

/// The names of a field without line ends that mean something.
fn marked(field: &str, order: Order, is_line: bool) -> Vec<Name> {
    let tidy = tidy(field);
    let Some(parts) = divided(&tidy, order) else {
        return part::names(&tidy, if is_line { inner(order) } else { order });
    };
    let parts = parts
        .into_iter()
        .filter(|part| part.contains(char::is_alphanumeric));
    let parts: Vec<&str> = parts.collect();
    let are_turned = parts.len() > 1 && parts.iter().all(|part| part::is_turned(part, order));
    let order = match order {
        Order::Reading if !are_turned => Order::Reading,
        // Semicolons between lists say nothing of commas.
        _ if parts.iter().any(|part| part::is_list(part, order)) => Order::Unknown,
        _ => Order::FamilyFirst,
    };
    parts
        .into_iter()
        .flat_map(|part| part::names(part, order))
        .collect()
}

/// The spelling of names that are on lines of their own.
fn inner(order: Order) -> Order {
    match order {
        Order::Reading => Order::Reading,
        _ => Order::FamilyFirst,
    }
}

/// A field in one line, without markup and without text in parentheses.
fn tidy(field: &str) -> Cow<'_, str> {
    let mut tidy = clean(field);
    if tidy.contains('~') || tidy.contains('\\') {
        let spaced = tidy.replace(" ~", " ").replace('~', " ");
        tidy = Cow::Owned(spaced.replace(" \\and ", " and "));
    }
    if !tidy.is_ascii() && tidy.contains(['；', '，', '、', '｜', '（', '）', '＆']) {
        let narrow = tidy.chars().map(|c| match c {
            '；' | '、' => ';',
            '，' => ',',
            '｜' => '|',
            '（' => '(',
            '）' => ')',
            '＆' => '&',
            other => other,
        });
        tidy = Cow::Owned(narrow.collect());
    }
    if tidy.contains('(') {
        Cow::Owned(without_parentheses(&tidy))
    } else {
        tidy
    }
}

/// Drops text in parentheses, nested or not; an unclosed one is dropped to the end.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The parts between the strongest separators in a field; `None` if there are none.
fn divided(field: &str, order: Order) -> Option<Vec<&str>> {
    if order == Order::Reading {
        return field.contains(';').then(|| field.split(';').collect());
    }
    if !field.contains([';', '|', '•', '/', '·']) {
        return None;
    }
    if field.contains([';', '|', '•']) {
        return Some(field.split([';', '|', '•']).collect());
    }
    for mark in [" / ", " // ", " · "] {
        if field.contains(mark) {
            return Some(field.split(mark).collect());
        }
    }
    let parts: Vec<&str> = field.split('/').collect();
    let are_names = parts.iter().all(|part| part::is_turned(part, order));
    (parts.len() > 1 && are_names).then_some(parts)
}

/// The lines of a field, if each has a name of its own; `None` if a list was wrapped.
fn lines(field: &str) -> Option<Vec<&str>> {
    let field = field.trim();
    if !field.contains(['\n', '\r', '\t']) {
        return None;
    }
    let lines = field.split(['\n', '\r', '\t']).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let is_lone_word = |line: &&str| !line.contains(' ');
    let is_wrapped = lines.iter().enumerate().any(|(place, line)| {
        let bare = line.trim_end_matches([',', ';']);
        let is_last = place + 1 == lines.len();
        let is_cut = !is_last
            && [" and", " &", "-", ":"]
                .iter()
                .any(|end| line.ends_with(end));
        let goes_on = ["and ", "& ", ",", ";"]
            .iter()
            .any(|start| line.starts_with(start));
        is_cut || goes_on || bare.matches(',').count() > 1 || bare.contains(" and ")
    });
    let is_list = lines.len() > 1 && !is_wrapped && !lines.iter().all(is_lone_word);
    is_list.then_some(lines)
}
