//! Speaking HTTP to browsers: accepting connections, holding them to limits, serving files.
//!
//! - [`Server`] accepts connections and gives each request to a [`Handler`]. `connection` serves
//!   one of them as HTTP/1 or HTTP/2; its `pulse` tells who is keeping whom waiting, `socket` is
//!   what it reads from and writes to, `frames` what of that is content over HTTP/2, `linger` how long
//!   it listens after the last response, `unread` what becomes of a body that is answered before it was
//!   read, and `stop` ends it when the server ends.
//! - [`Limits`]: all numbers that a connection is held to.
//! - `work`: how much may be under way for one connection, whatever its client has reset.
//! - [`limited`]: a request's body that may not be too long or too slow.
//! - [`Files`]: files below a folder, as responses.
//! - `admission`: what every request is held to before it is handled; `host`: the host that it is for.
//! - `cookies`: the cookies of a request, and any text as the value of one.
//! - [`Languages`]: which of a site's languages a visitor is answered in; `weight` reads how much
//!   each member of a field like `Accept-Language` is wanted.
//! - [`TrustedProxies`]: whose word is taken for a visitor's address and scheme.
//! - [`Validators`]: `ETag` and `Last-Modified`.
//! - [`conditions`]: whether a request is to be carried out with the version that there is: 304, 412.
//! - [`ranges`]: which bytes a request asks for: 206, 416, and multipart bodies.
//! - [`negotiation`]: which content codings a client takes; [`encoding`]: content in them.
//! - [`gzip`]: one stream of pieces that were deflated each by itself.
//! - [`names`]: headers that not everybody knows.
//!
//! This room knows neither cache nor link, and not what is behind the handler.

mod admission;
pub mod conditions;
mod connection;
mod cookies;
pub mod encoding;
pub mod files;
mod frames;
pub mod gzip;
pub(crate) mod host;
mod incoming;
mod language;
mod limits;
mod linger;
pub mod names;
pub mod negotiation;
mod proxies;
mod pulse;
pub mod ranges;
mod server;
mod socket;
mod stop;
mod unread;
pub mod validators;
mod weight;
mod work;

pub use connection::Peer;
pub(crate) use cookies::{cookie, cookies, is_cookie_name, is_cookie_value};
pub use cookies::{decode_cookie_value, encode_cookie_value};
pub use files::Files;
pub use incoming::{Pace, limited};
pub use language::Languages;
pub use limits::Limits;
pub use negotiation::{Coding, Preferences};
pub(crate) use proxies::network;
pub use proxies::{Origin, ProxyHeaders, Scheme, TrustedProxies};
pub use server::{Handler, Server};
pub(crate) use work::Work;

#[cfg(test)]
mod tests;
