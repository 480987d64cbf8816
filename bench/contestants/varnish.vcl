# Varnish with xkey: groups of pages are purged by the header that names them. Only groups, bans and
# pages with parts are configured; everything else is Varnish's default.
vcl 4.1;

import std;
import xkey;

backend origin {
    .host = "{origin_host}";
    .port = "{origin_port}";
    .max_connections = 64;
}

acl operators {
    "127.0.0.1";
}

sub vcl_recv {
    if (req.method == "PURGE") {
        if (client.ip !~ operators) {
            return (synth(405));
        }
        return (synth(200, "Purged " + xkey.purge(req.http.xkey)));
    }
    if (req.method == "BAN") {
        if (client.ip !~ operators) {
            return (synth(405));
        }
        if (!std.ban("req.url ~ " + req.http.pattern)) {
            return (synth(400, std.ban_error()));
        }
        return (synth(200, "Banned"));
    }
    return (hash);
}

sub vcl_backend_response {
    set beresp.ttl = 2h;
    set beresp.grace = 0s;
    if (bereq.url == "/page-with-esi") {
        set beresp.do_esi = true;
    }
    return (deliver);
}

sub vcl_deliver {
    # Groups are for Varnish, not for visitors.
    unset resp.http.xkey;
}
