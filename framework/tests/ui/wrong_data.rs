use headwater::prelude::*;

#[derive(Clone, Default, State)]
struct Site {
    list: Vec<u64>,
}

#[derive(Clone, Default, State)]
struct Unnamed(Value<u64>);

#[derive(Row)]
struct WithoutKey {
    id: u64,
}

#[derive(Row)]
struct UnknownWord {
    #[row(primary)]
    id: u64,
}

#[derive(Key)]
struct Two(u64, u64);

fn of_float<R: Row>(table: &TableView<R>, index: Index<R, u64>) -> usize {
    table.of(index, 1.5).count()
}

fn of_text<R: Row>(table: &TableView<R>, index: Index<R, u64>) -> usize {
    table.of(index, "1").count()
}

fn main() {}
