//! A digest as one JSON object, for programs.

use serde_json::Value;

use crate::digest::Digest;
use crate::paper;

/// Renders a digest as one line of JSON, without the library's internal parts.
pub fn json(digest: &Digest) -> String {
    let mut value = serde_json::to_value(digest).expect("a digest is plain data");
    value["title"] = Value::from(digest.title());
    // A time as programs know it (RFC 3339), and the time zone's name separately.
    let made = &digest.made;
    let moment = made.timestamp().display_with_offset(made.offset());
    value["made"] = Value::from(moment.to_string());
    value["time_zone"] = Value::from(made.time_zone().iana_name());
    // The rest of a follow is there as `more`.
    if let Some(digest) = value.as_object_mut() {
        digest.remove("command");
    }
    let sections = value["sections"].as_array_mut().into_iter().flatten();
    for section in sections.filter_map(Value::as_object_mut) {
        section.remove("follow_key");
        section.remove("up_to");
    }
    paper::show_ids(&mut value);
    value.to_string() + "\n"
}
