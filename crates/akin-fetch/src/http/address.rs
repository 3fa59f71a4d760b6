//! Addresses, as far as redirects need them: where one leads, and whether that is the same origin.

/// Whether an address is one that can be asked.
pub(super) fn is_http(url: &str) -> bool {
    split(url).is_some_and(|(_, host, _)| !host.is_empty())
}

/// Scheme, host with port, and the rest from its `/` on.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let known = ["https", "http"];
    if !known.iter().any(|s| scheme.eq_ignore_ascii_case(s)) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some((scheme, &rest[..end], &rest[end..]))
}

/// Whether two addresses have scheme, host and port in common.
pub(super) fn same_origin(a: &str, b: &str) -> bool {
    let (Some(a), Some(b)) = (split(a), split(b)) else {
        return false;
    };
    a.0.eq_ignore_ascii_case(b.0) && a.1.eq_ignore_ascii_case(b.1)
}

/// Where a redirect leads that was given at `base`; nowhere if from https to anything else.
pub(super) fn resolve(base: &str, location: &str) -> Option<String> {
    let (scheme, host, path) = split(base)?;
    let target = if split(location).is_some() {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{host}{location}")
    } else if location.is_empty() || location.contains(':') {
        return None;
    } else {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
        format!("{scheme}://{host}{folder}{location}")
    };
    let is_safe = |url: &str| split(url).is_some_and(|(s, _, _)| s.eq_ignore_ascii_case("https"));
    (is_http(&target) && (is_safe(&target) || !is_safe(base))).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_where_they_say() {
        let base = "https://hub.example/org/name/resolve/main/a.json?x=/y";
        for (location, target) in [
            ("/b/c", Some("https://hub.example/b/c")),
            (
                "b.json",
                Some("https://hub.example/org/name/resolve/main/b.json"),
            ),
            ("//cdn.example/b", Some("https://cdn.example/b")),
            (
                "https://cdn.example/b?s=1",
                Some("https://cdn.example/b?s=1"),
            ),
            ("http://cdn.example/b", None),
            ("ftp://cdn.example/b", None),
            ("file:///etc/passwd", None),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(resolve(base, location).as_deref(), target, "{location}");
        }
        let plain = resolve("http://127.0.0.1:80/a", "http://127.0.0.1:81/b");
        assert_eq!(plain.as_deref(), Some("http://127.0.0.1:81/b"));
        let root = resolve("http://hub.example", "b");
        assert_eq!(root.as_deref(), Some("http://hub.example/b"));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |a, b| same_origin(a, b);
        assert!(same("https://A.example/x", "HTTPS://a.example/y?z"));
        assert!(!same("https://a.example/x", "http://a.example/x"));
        assert!(!same("http://a.example:1/x", "http://a.example:2/x"));
        assert!(!same("https://a.example", "https://a.example.evil"));
        assert!(!same("nonsense", "nonsense"));
    }
}
