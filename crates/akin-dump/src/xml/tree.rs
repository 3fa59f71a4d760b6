//! One record's XML as a small tree, and the text in it.
//!
//! In: the bytes of one element. Out: an [`Element`], whose names are local ones: prefixes mean
//! nothing once the format is known. `quick-xml` parses; if it fails, the record is a
//! [`Rejection`].
//!
//! Only XML's five entities and numeric ones are resolved, once. Those that a DOCTYPE declares are
//! never expanded nor fetched, and `&name;` stays as it is (`text/clean.rs` knows the named ones of
//! HTML). An ampersand alone is an ampersand. White space is kept for `text/clean.rs`.

use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::reject::Rejection;

/// Elements may be nested this deep.
const MAX_DEPTH: usize = 128;

/// Elements inside words: their content joins the text around them.
const INLINE: [&str; 20] = [
    "a",
    "b",
    "bold",
    "em",
    "fixed-case",
    "font",
    "i",
    "italic",
    "sc",
    "small",
    "span",
    "strong",
    "styled-content",
    "sub",
    "sup",
    "tex-math",
    "tt",
    "u",
    "url",
    "xref",
];

/// MathML: all that it holds is written without the white space between its elements.
const MATHML: &str = "math";

/// TeX maths without its dollars.
const TEX: &str = "tex-math";

/// Markers around superscripts and subscripts; `text/clean.rs` decides what becomes of them.
const RAISED: (&str, &str) = ("<sup>", "</sup>");
const LOWERED: (&str, &str) = ("<sub>", "</sub>");

/// An element.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Element {
    /// The name without its prefix.
    pub(crate) name: String,
    /// Local names and values.
    attributes: Vec<(String, String)>,
    nodes: Vec<Node>,
}

#[derive(Debug, PartialEq)]
enum Node {
    Text(String),
    Element(Element),
}

/// Parses one element; the text after it is ignored.
pub(crate) fn parse(xml: &str) -> Result<Element, Rejection> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().allow_dangling_amp = true;
    let mut open: Vec<Element> = Vec::new();
    loop {
        match reader.read_event().map_err(not_xml)? {
            Event::Start(_) if open.len() >= MAX_DEPTH => {
                return Err(fault(format!("elements are nested over {MAX_DEPTH} deep")));
            }
            Event::Start(tag) => open.push(Element::new(&tag)?),
            Event::Empty(tag) => {
                let element = Element::new(&tag)?;
                if let Some(root) = close(&mut open, element) {
                    return Ok(root);
                }
            }
            Event::End(_) => {
                let element = open.pop().unwrap_or_default();
                if let Some(root) = close(&mut open, element) {
                    return Ok(root);
                }
            }
            Event::Text(text) => push_text(&mut open, &text.xml10_content()),
            Event::CData(text) => push_text(&mut open, &text.xml10_content()),
            Event::GeneralRef(name) => push_text(&mut open, &resolved(&name)),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => return Err(fault(unfinished(&open))),
        }
    }
}

/// Puts a whole element into the one that holds it, or gives it back if none does.
fn close(open: &mut [Element], element: Element) -> Option<Element> {
    match open.last_mut() {
        Some(parent) => {
            parent.nodes.push(Node::Element(element));
            None
        }
        None => Some(element),
    }
}

fn push_text(open: &mut [Element], text: &str) {
    let Some(parent) = open.last_mut() else {
        return;
    };
    match parent.nodes.last_mut() {
        Some(Node::Text(before)) => before.push_str(text),
        _ => parent.nodes.push(Node::Text(text.to_owned())),
    }
}

/// The text of a reference, or the reference itself.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    let name: &str = reference;
    resolve_xml_entity(name).map_or_else(|| format!("&{name};"), str::to_owned)
}

fn unfinished(open: &[Element]) -> String {
    match open.last() {
        Some(element) => format!("it ends inside <{}>", element.name),
        None => "there is no element".to_owned(),
    }
}

fn not_xml(error: impl std::fmt::Display) -> Rejection {
    fault(error.to_string())
}

fn fault(message: String) -> Rejection {
    Rejection::NotXml { message }
}

impl Element {
    fn new(tag: &BytesStart<'_>) -> Result<Element, Rejection> {
        let mut attributes = Vec::new();
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(not_xml)?;
            let value = unescape(&attribute.value).map(std::borrow::Cow::into_owned);
            attributes.push((
                attribute.key.local_name().as_ref().to_owned(),
                value.unwrap_or_else(|_| attribute.value.clone().into_owned()),
            ));
        }
        Ok(Element {
            name: tag.local_name().as_ref().to_owned(),
            attributes,
            nodes: Vec::new(),
        })
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// All elements directly inside this one.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The elements of this name directly inside this one.
    pub(crate) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements().filter(move |element| element.name == name)
    }

    /// The first element of this name directly inside this one.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.elements().find(|element| element.name == name)
    }

    /// The element that a path of first children leads to.
    pub(crate) fn path(&self, names: &[&str]) -> Option<&Element> {
        names
            .iter()
            .try_fold(self, |element, name| element.child(name))
    }

    /// The text of the element at a path, trimmed; `None` if it is missing or blank.
    pub(crate) fn text_at(&self, names: &[&str]) -> Option<String> {
        self.path(names)?.some_text()
    }

    /// All text below, in order, trimmed; `None` if there is none.
    pub(crate) fn some_text(&self) -> Option<String> {
        let text = self.text();
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    /// All text below, in order: markup inside words joins without spaces, the content of other
    /// elements is separated, `tex-math` is in dollars. What is raised or lowered keeps its tags.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, self.name == MATHML);
        out
    }

    fn write(&self, out: &mut String, in_maths: bool) {
        for node in &self.nodes {
            match node {
                Node::Text(text) if in_maths => out.push_str(text.trim()),
                Node::Text(text) => out.push_str(text),
                Node::Element(element) => element.write_within(out, in_maths),
            }
        }
    }

    fn write_within(&self, out: &mut String, in_maths: bool) {
        let in_maths = in_maths || self.name == MATHML;
        if in_maths && self.write_layout(out) {
            return;
        }
        let (before, after) = match &*self.name {
            TEX => ("$", "$"),
            "sup" => RAISED,
            "sub" => LOWERED,
            name if in_maths || INLINE.contains(&name) => ("", ""),
            _ => (" ", " "),
        };
        out.push_str(before);
        self.write(out, in_maths);
        out.push_str(after);
    }

    /// Writes an element of MathML that gives the position of its parts, if it is one.
    fn write_layout(&self, out: &mut String) -> bool {
        let marks: &[(&str, &str)] = match &*self.name {
            "msup" | "mover" => &[("", ""), RAISED],
            "msub" | "munder" => &[("", ""), LOWERED],
            "msubsup" | "munderover" => &[("", ""), LOWERED, RAISED],
            "mfrac" => &[("", "/"), ("", "")],
            "msqrt" => {
                out.push('√');
                self.write_part(out);
                return true;
            }
            // The same again, for others than readers.
            "annotation" | "annotation-xml" => return true,
            _ => return false,
        };
        let parts: Vec<&Element> = self.elements().collect();
        if parts.len() != marks.len() {
            return false;
        }
        for (part, (before, after)) in parts.iter().zip(marks) {
            out.push_str(before);
            match &*self.name {
                "mfrac" => part.write_part(out),
                _ => part.write_within(out, true),
            }
            out.push_str(after);
        }
        true
    }

    /// Writes maths, in parentheses if it is more than a word.
    fn write_part(&self, out: &mut String) {
        let mut text = String::new();
        self.write(&mut text, true);
        let is_word = text.chars().all(|c| c.is_alphanumeric() || c == '.');
        let (open, close) = if is_word { ("", "") } else { ("(", ")") };
        out.extend([open, &text, close]);
    }
}

/// The text of one element, as [`Element::text`] writes it; `None` if it cannot be read.
pub(crate) fn text_of(xml: &str) -> Option<String> {
    parse(xml).ok().map(|element| element.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(xml: &str, text: &str) {
        assert_eq!(parse(xml).expect("XML").text(), text, "{xml}");
    }

    fn check_refused(xml: &str, words: &str) {
        let fault = parse(xml).expect_err("no XML");
        let message = fault.to_string();
        assert!(
            message.contains(words),
            "{message:?} does not say {words:?}"
        );
    }

    #[test]
    fn markup_in_words_joins_and_blocks_stand_apart() {
        check(
            "<t>CO<sub>2</sub> <i>in  <b>vivo</b></i>.</t>",
            "CO<sub>2</sub> in  vivo.",
        );
        check("<t><p>One.</p><p>Two.</p></t>", " One.  Two. ");
        check("<t>a<br/>b</t>", "a  b");
    }

    #[test]
    fn maths_is_written_in_one_piece() {
        check(
            "<t>the <m:math xmlns:m='u'>\n <m:msub>\n <m:mi>V</m:mi> <m:mn>2</m:mn>\n</m:msub></m:math> rate</t>",
            "the V<sub>2</sub> rate",
        );
        check(
            "<t><math><msup><mn>10</mn><mrow><mo>-</mo><mn>3</mn></mrow></msup>\
             <mfrac><mn>1</mn><mrow><mi>x</mi><mo>+</mo><mn>2</mn></mrow></mfrac>\
             <msqrt><mi>y</mi></msqrt>\
             <annotation>10^{-3}</annotation></math></t>",
            "10<sup>-3</sup>1/(x+2)√y",
        );
        check(
            "<t>if <tex-math>x_1 &lt; y</tex-math>,</t>",
            "if $x_1 < y$,",
        );
    }

    #[test]
    fn entities_are_resolved_once_and_others_stay() {
        check("<t>&lt;i&gt; &amp;lt; &#233;&#xe9;</t>", "<i> &lt; éé");
        check(
            "<t>&eacute; &unheard; AT&T & co</t>",
            "&eacute; &unheard; AT&T & co",
        );
        check("<t><![CDATA[a <b> &amp;]]></t>", "a <b> &amp;");
        check("<t>a<!-- no --><?no no?>b\r\nc</t>", "ab\nc");
        check("<t>&#0;&#x110000;</t>", "&#0;&#x110000;");
    }

    #[test]
    fn elements_are_found_by_their_local_names() {
        let root = parse("<x:r a='1' xml:lang='e&amp;n'><y:a><b> one </b></y:a><b/><b>2</b></x:r>");
        let root = root.expect("XML");
        assert_eq!((&*root.name, root.attribute("a")), ("r", Some("1")));
        assert_eq!(root.attribute("lang"), Some("e&n"));
        assert_eq!(root.text_at(&["a", "b"]).as_deref(), Some("one"));
        assert_eq!(root.text_at(&["b"]), None);
        assert_eq!(root.children("b").count(), 2);
        assert_eq!(root.path(&["a", "c"]), None);
    }

    #[test]
    fn what_is_no_xml_says_why() {
        check_refused("", "no element");
        check_refused("words", "no element");
        check_refused("<a><b></a>", "expected `</b>`");
        check_refused("<a><b>", "inside <b>");
        check_refused("<a b=c></a>", "attribute");
        check_refused("<a <b></b></a>", "readable as XML");
        check_refused(&"<a>".repeat(MAX_DEPTH + 1), "deep");
    }
}
