use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

const PROXY: &str = "10.0.0.1";

fn proxies(headers: ProxyHeaders) -> TrustedProxies {
    let networks = ["10.0.0.0/8", "::1"].map(|text| network(text).unwrap());
    TrustedProxies { networks: networks.into(), headers }
}

fn origin(kind: ProxyHeaders, peer: &str, headers: &[(&'static str, &str)]) -> String {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let Origin { remote, scheme } = proxies(kind).origin(peer.parse().unwrap(), &map);
    format!("{scheme} {remote}")
}

fn x_forwarded(list: &str) -> String {
    origin(ProxyHeaders::XForwarded, PROXY, &[("x-forwarded-for", list)])
}

fn forwarded(list: &str) -> String {
    origin(ProxyHeaders::Forwarded, PROXY, &[("forwarded", list)])
}

#[test]
fn only_a_trusted_proxy_is_believed() {
    let lies = [
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=192.0.2.1;proto=https"),
        ("x-forwarded-host", "evil.example"),
    ];
    for kind in [ProxyHeaders::XForwarded, ProxyHeaders::Forwarded] {
        assert_eq!(origin(kind, "198.51.100.7", &lies), "http 198.51.100.7");
        assert_eq!(origin(kind, "::ffff:198.51.100.7", &lies), "http 198.51.100.7");
        assert_eq!(origin(kind, PROXY, &lies), "https 192.0.2.1");
        assert_eq!(origin(kind, "::ffff:10.0.0.1", &lies), "https 192.0.2.1");
    }
    let none_trusted = TrustedProxies::default();
    let headers = HeaderMap::from_iter([(X_FORWARDED_PROTO, HeaderValue::from_static("https"))]);
    let origin = none_trusted.origin([127, 0, 0, 1].into(), &headers);
    assert_eq!(origin, Origin { remote: [127, 0, 0, 1].into(), scheme: Scheme::Http });
}

#[test]
fn only_the_headers_that_the_proxies_set_are_read() {
    let forwarded = [("forwarded", "for=192.0.2.1;proto=https")];
    assert_eq!(origin(ProxyHeaders::XForwarded, PROXY, &forwarded), "http 10.0.0.1");
    let x = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https")];
    assert_eq!(origin(ProxyHeaders::Forwarded, PROXY, &x), "http 10.0.0.1");
}

#[test]
fn the_last_address_that_is_no_proxys_is_the_visitors() {
    for (list, expected) in [
        ("192.0.2.1", "192.0.2.1"),
        ("1.1.1.1, 192.0.2.1", "192.0.2.1"),
        ("1.1.1.1,192.0.2.1 , 10.2.3.4,10.0.0.2", "192.0.2.1"),
        ("192.0.2.1:4711, [::1]:80", "192.0.2.1"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("", PROXY),
        ("unknown", PROXY),
        ("192.0.2.1, unknown", PROXY),
        ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1,", PROXY),
        ("192.0.2.300, 10.0.0.2", "10.0.0.2"),
        ("[::1", PROXY),
        ("1.2.3.4:", PROXY),
        ("<script>, 192.0.2.1", "192.0.2.1"),
    ] {
        assert_eq!(x_forwarded(list), format!("http {expected}"), "{list}");
    }
    let lines = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "192.0.2.2,10.0.0.9")];
    assert_eq!(origin(ProxyHeaders::XForwarded, PROXY, &lines), "http 192.0.2.2");
}

#[test]
fn the_scheme_is_that_of_the_nearest_proxy() {
    let scheme = |values: &[&str]| {
        let headers: Vec<_> = values.iter().map(|value| ("x-forwarded-proto", *value)).collect();
        origin(ProxyHeaders::XForwarded, PROXY, &headers)
    };
    assert_eq!(scheme(&["https"]), "https 10.0.0.1");
    assert_eq!(scheme(&["http, HTTPS "]), "https 10.0.0.1");
    assert_eq!(scheme(&["https", "http"]), "http 10.0.0.1");
    assert_eq!(scheme(&["httpsx"]), "http 10.0.0.1");
}

#[test]
fn the_standard_header_is_read_with_its_quotes() {
    for (list, expected) in [
        ("for=192.0.2.1;proto=https", "https 192.0.2.1"),
        ("For=\"[2001:db8::7]:4711\";by=\"_a b\";Proto=HTTPS", "https 2001:db8::7"),
        ("for=1.1.1.1;proto=https, for=192.0.2.1", "http 192.0.2.1"),
        ("for=192.0.2.1; proto=https , for=10.0.0.2;proto=http", "https 192.0.2.1"),
        ("for=192.0.2.1:80", "http 192.0.2.1"),
        ("for=\"192.0.2.1:_p\"", "http 192.0.2.1"),
        ("for=\"192.0.2.1:_a.b_c-d\"", "http 192.0.2.1"),
        ("for=\"[2001:db8::7]:_a.b\"", "http 2001:db8::7"),
        ("for=\"192.0.2.1:a.b\"", "http 10.0.0.1"),
        (";;for=192.0.2.1", "http 192.0.2.1"),
        ("for=_hidden, for=10.0.0.2", "http 10.0.0.2"),
        ("for=\"_a\\\",for=192.0.2.1\"", "http 10.0.0.1"),
        ("for=192.0.2.1, for=\"192.0.2.2", "http 10.0.0.1"),
        ("for=192.0.2.1, proto=https", "http 10.0.0.1"),
        ("for = 192.0.2.1", "http 10.0.0.1"),
        ("for=192.0.2.1;host=\"a;for=1.1.1.1;b\";proto=https", "https 192.0.2.1"),
        ("for=192.0.2.1;host=\"a, for=1.1.1.1;b\"", "http 192.0.2.1"),
        ("for=192.0.2.1;host=\"a\\\", for=1.1.1.1;b\"", "http 192.0.2.1"),
        ("for=192.0.2.1;host=\"a\\\\\", for=10.0.0.2;host=\"\"", "http 192.0.2.1"),
        ("host=\"a, for=192.0.2.1;proto=https", "https 192.0.2.1"),
        ("nonsense", "http 10.0.0.1"),
        ("", "http 10.0.0.1"),
    ] {
        assert_eq!(forwarded(list), expected, "{list}");
    }
}

#[test]
fn a_host_that_is_not_utf_8_does_not_hide_the_visitor() {
    let value = HeaderValue::from_bytes(b"for=192.0.2.1;host=\"\xe9\";proto=https").unwrap();
    let headers = HeaderMap::from_iter([(FORWARDED, value)]);
    let origin = proxies(ProxyHeaders::Forwarded).origin(PROXY.parse().unwrap(), &headers);
    assert_eq!(origin, Origin { remote: [192, 0, 2, 1].into(), scheme: Scheme::Https });
}

#[test]
fn a_network_is_an_address_and_a_number_of_bits() {
    let proxies = |text: &str| TrustedProxies {
        networks: vec![network(text).unwrap()],
        headers: ProxyHeaders::default(),
    };
    for (text, inside, outside) in [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
        ("0.0.0.0/0", "11.0.0.1", "::1"),
        ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ("::/0", "::1", "127.0.0.1"),
        ("::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.1"),
    ] {
        let is_trusted = |address: &str| proxies(text).trusts(address.parse().unwrap());
        assert!(is_trusted(inside) && !is_trusted(outside), "{text}");
    }
    for bad in ["", "localhost", "10.0.0.0/33", "::/129", "10/8", "10.0.0.0/", "10.0.0.0/+8"] {
        assert!(network(bad).is_err(), "{bad}");
    }
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u8..=255).prop_map(|last| IpAddr::from([10, 0, 0, last])),
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(|address| IpAddr::from(address).to_canonical()),
    ]
}

fn written(address: IpAddr, kind: ProxyHeaders) -> String {
    match (kind, address) {
        (ProxyHeaders::XForwarded, address) => address.to_string(),
        (ProxyHeaders::Forwarded, IpAddr::V4(address)) => format!("for={address}"),
        (ProxyHeaders::Forwarded, IpAddr::V6(address)) => format!("for=\"[{address}]\""),
    }
}

proptest! {
    /// Only the entries of proxies, which append the address of their peer, count, whatever a
    /// visitor sends.
    #[test]
    fn headers_of_a_visitor_change_nothing(
        lies in "[ -~]{0,60}",
        host in "(for=6[.]6[.]6[.]6|[ -~]){0,20}",
        visitor in any_address(),
        between in proptest::collection::vec(0u8..=255, 0..4),
        standard in any::<bool>(),
    ) {
        let kind = if standard { ProxyHeaders::Forwarded } else { ProxyHeaders::XForwarded };
        let proxies = proxies(kind);
        prop_assume!(!proxies.trusts(visitor));
        let hops = between.iter().map(|last| IpAddr::from([10, 0, 0, *last]));
        let mut hops: Vec<String> =
            [visitor].into_iter().chain(hops).map(|hop| written(hop, kind)).collect();
        if standard {
            // The visitor's host, as a proxy quotes it.
            let host = host.replace('\\', "\\\\").replace('"', "\\\"");
            hops[0] = format!("{};host=\"{host}\"", hops[0]);
        }
        let name = if standard { "forwarded" } else { "x-forwarded-for" };
        // Proxies add a line, or append to the existing one.
        let mut lines = vec![(name, lies.as_str())];
        let joined = hops.join(", ");
        lines.push((name, &joined));
        prop_assert_eq!(origin(kind, PROXY, &lines), format!("http {visitor}"));
        let line = format!("{lies},{joined}");
        prop_assert_eq!(origin(kind, PROXY, &[(name, &line)]), format!("http {visitor}"));
    }

    #[test]
    fn nothing_makes_it_panic(line in "[for=\"\\\\;, 0-9:\\[\\]._]{0,80}") {
        x_forwarded(&line);
        forwarded(&line);
    }
}
