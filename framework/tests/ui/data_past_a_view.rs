use headwater::prelude::*;
use headwater::state::{TableView, ValueView};

fn count<R: Row>(table: &Table<R>) -> usize {
    table.read().count()
}

fn shown(value: &Value<u64>) -> u64 {
    *value.get()
}

fn made<R: Row>() -> TableView<R> {
    TableView { ..made() }
}

fn of_one(value: u64) -> ValueView<u64> {
    ValueView { value, ..of_one(value) }
}

fn main() {}
