//! Packed values of templates.

use headwater::internals::packed::{Packed, read};
use serde_json::{Map, Value};

/// `data` is packed values, as a back end sends them.
pub fn run(data: &[u8]) {
    let Some(members) = unpack(data) else { return };
    let mut again = Packed::new();
    for (name, value) in &members {
        again.insert(name, value).expect("what was read can be written");
    }
    let written = again.into_bytes();
    assert_eq!(unpack(&written).as_ref(), Some(&members), "what was written is read back");
}

fn unpack(data: &[u8]) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    let read = read(data, |name, value| {
        members.insert(name.to_owned(), serde_json::to_value(value)?);
        Ok::<_, serde_json::Error>(())
    });
    match read {
        Ok(Ok(())) => Some(members),
        Ok(Err(_)) | Err(_) => None,
    }
}
