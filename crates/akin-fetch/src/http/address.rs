//! Addresses, as far as redirects need them: where one leads, and whether the origin stays the same.

use url::Url;

/// Parses an address of http or https.
fn parse(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    (matches!(url.scheme(), "https" | "http") && url.has_host()).then_some(url)
}

/// Whether this is an address of http or https.
pub(crate) fn is_http(url: &str) -> bool {
    parse(url).is_some()
}

/// Whether this is an address of https.
pub(super) fn is_https(url: &str) -> bool {
    parse(url).is_some_and(|url| url.scheme() == "https")
}

/// Whether two addresses have the same scheme, host and port.
pub(super) fn same_origin(a: &str, b: &str) -> bool {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => a.origin() == b.origin(),
        _ => false,
    }
}

/// The target of a redirect from `base`; `None` if it is unusable or leads from https to http.
pub(super) fn resolve(base: &str, location: &str) -> Option<String> {
    if location.is_empty() {
        return None;
    }
    let base = Url::parse(base).ok()?;
    let target = base.join(location).ok()?;
    let target = parse(target.as_str())?;
    (target.scheme() == "https" || base.scheme() != "https").then(|| target.into())
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
        assert!(same("https://a.example:443/x", "https://a.example/y"));
    }
}
