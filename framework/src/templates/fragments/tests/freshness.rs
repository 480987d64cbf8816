//! For random templates and random changes of data, no outdated fragment is found.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde::{Serialize, Serializer};

use super::*;
use crate::packed::{self, Packed};

/// Keeps fragments until one of their groups is invalidated.
#[derive(Default)]
struct Kept {
    fragments: RefCell<Vec<FragmentFill>>,
    found: RefCell<usize>,
}

impl Fragments for Kept {
    fn find(&self, key: &FragmentKey, _: FragmentType) -> Option<Arc<Fragment>> {
        let fragments = self.fragments.borrow();
        let fill = fragments.iter().find(|fill| fill.key == *key)?;
        *self.found.borrow_mut() += 1;
        Some(Arc::clone(&fill.fragment))
    }

    fn keep(&self, fill: FragmentFill) {
        self.fragments.borrow_mut().push(fill);
    }
}

impl Kept {
    fn invalidate(&self, groups: &BTreeSet<String>) {
        let is_in = |fill: &FragmentFill| {
            fill.fragment.recorded.iter().any(|group| groups.contains(&**group))
        };
        self.fragments.borrow_mut().retain(|fill| !is_in(fill));
    }
}

/// The site's data at one moment.
#[derive(Debug, Clone)]
struct Data {
    /// Title and `open`, by key.
    rows: BTreeMap<u8, (u8, bool)>,
    /// The first row of the list.
    turn: usize,
    /// The number of rows in the list, which is data too.
    size: usize,
    /// The row that is shown alone.
    chosen: u8,
    motto: u8,
}

/// A value and the groups that cover it.
struct Row<T>(String, T);
struct Read<T>(Vec<String>, T);

impl<T: Serialize> Serialize for Row<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        packed::marked_row(&self.0, &self.1, to)
    }
}

impl<T: Serialize> Serialize for Read<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        packed::marked_read(&self.0, &self.1, to)
    }
}

#[derive(Serialize)]
struct Fields {
    k: u8,
    title: String,
    open: bool,
    tags: Vec<u8>,
}

#[derive(Serialize)]
struct Page {
    rows: Read<Vec<Row<Fields>>>,
    total: usize,
}

#[derive(Serialize)]
struct View {
    row: Option<Row<Fields>>,
    copied: String,
}

impl Data {
    fn order(&self) -> Vec<u8> {
        let mut keys: Vec<u8> = self.rows.keys().copied().collect();
        let turn = self.turn % keys.len().max(1);
        keys.rotate_left(turn);
        keys
    }

    fn row(&self, key: u8) -> Option<Row<Fields>> {
        let (title, open) = self.rows.get(&key)?;
        let fields =
            Fields { k: key, title: format!("<{title}>"), open: *open, tags: vec![*title, 1] };
        Some(Row(format!("t/{key}"), fields))
    }

    fn list(&self, other: bool) -> Vec<Row<Fields>> {
        let mut keys = self.order();
        keys.truncate(self.size);
        if other {
            keys.reverse();
        }
        keys.into_iter().filter_map(|key| self.row(key)).collect()
    }

    /// Returns the data behind each group: a record invalidates the groups whose data it changes.
    fn groups(&self) -> BTreeMap<String, String> {
        let rows = self.rows.iter().map(|(key, row)| (format!("t/{key}"), format!("{row:?}")));
        let others = [
            ("t@all", format!("{:?}", self.order())),
            ("t@", self.rows.len().to_string()),
            ("size", self.size.to_string()),
            ("chosen", self.chosen.to_string()),
            ("motto", self.motto.to_string()),
        ];
        rows.chain(others.map(|(group, value)| (group.to_owned(), value))).collect()
    }

    /// Returns a controller's values for one of two pages.
    fn values(&self, other: bool) -> Values {
        let all = || vec!["t@all".to_owned()];
        let mut packed = Packed::new();
        let mut give = |name: &str, value: &dyn erased::Value| value.give(&mut packed, name);
        give("list", &Read(all(), self.list(other)));
        give(
            "page",
            &Read(
                vec!["t@all".into(), "t@".into()],
                Page { rows: Read(all(), self.list(other)), total: self.rows.len() },
            ),
        );
        give("count", &Read(vec!["t@".into()], self.rows.len()));
        give("motto", &Row("motto".into(), format!("m{}", self.motto)));
        let chosen = self.row(self.chosen);
        match chosen {
            Some(row) => give("one", &row),
            None => give("one", &Read(vec![format!("t/{}", self.chosen)], ())),
        }
        let copied = format!("{:?}{}", self.rows.get(&0), self.size);
        give("view", &View { row: self.row(1), copied: copied.clone() });
        give("plain", &format!("{copied}{other}"));
        // Every row may have been read, present or absent.
        let mut recorded: Vec<String> = self.groups().into_keys().collect();
        recorded.extend((0..4).map(|key| format!("t/{key}")));
        let values = Values::from_packed(&packed.into_bytes()).unwrap();
        values.recorded_as(Some(&recorded))
    }
}

mod erased {
    use serde::Serialize;

    use crate::packed::Packed;

    pub(super) trait Value {
        fn give(&self, packed: &mut Packed, name: &str);
    }

    impl<T: Serialize> Value for T {
        fn give(&self, packed: &mut Packed, name: &str) {
            packed.insert(name, self).unwrap();
        }
    }
}

fn data() -> impl Strategy<Value = Data> {
    let rows = prop::collection::btree_map(0..4_u8, (0..3_u8, any::<bool>()), 0..4);
    (rows, 0..3_usize, 1..4_usize, 0..4_u8, 0..2_u8)
        .prop_map(|(rows, turn, size, chosen, motto)| Data { rows, turn, size, chosen, motto })
}

/// Returns a random change, mostly a small one.
fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..4_u8, 0..3_u8, any::<bool>())
            .prop_map(|(key, title, open)| Change::Put(key, title, open)),
        (0..4_u8).prop_map(Change::Remove),
        (0..3_usize).prop_map(Change::Turn),
        (1..4_usize).prop_map(Change::Size),
        (0..4_u8).prop_map(Change::Choose),
        (0..2_u8).prop_map(Change::Motto),
    ]
}

#[derive(Debug, Clone)]
enum Change {
    Put(u8, u8, bool),
    Remove(u8),
    Turn(usize),
    Size(usize),
    Choose(u8),
    Motto(u8),
}

impl Change {
    fn apply(&self, data: &mut Data) {
        match *self {
            Change::Put(key, title, open) => {
                data.rows.insert(key, (title, open));
            }
            Change::Remove(key) => {
                data.rows.remove(&key);
            }
            Change::Turn(turn) => data.turn = turn,
            Change::Size(size) => data.size = size,
            Change::Choose(chosen) => data.chosen = chosen,
            Change::Motto(motto) => data.motto = motto,
        }
    }
}

/// Returns an expression for use outside of loops.
fn expression() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("motto"),
        Just("count"),
        Just("plain"),
        Just("page.total"),
        Just("view.copied"),
        Just("one?.title"),
        Just("one?.tags"),
        Just("view.row?.title"),
        Just("list | length"),
        Just("list | json_encode | safe"),
        Just("[x.title for x in list if x.open]"),
        Just("x"),
        Just("y"),
        Just("page.rows | first | default(value=motto)"),
        Just("list[0]?.title"),
        Just("motto ~ count"),
        Just("1 if one else 2"),
        Just("view.row is defined"),
        Just("unknown is defined"),
    ]
    .prop_map(str::to_owned)
}

/// Returns assignments before all fragments, because an assignment inside a fragment has no effect on a hit.
fn assignments() -> impl Strategy<Value = String> {
    let x = ["one", "list[0]?.title", "page.rows | last | default(value=0)", "view.row", "list"];
    let y = ["plain", "one?.title | default(value=0)", "list | length", "motto ~ 1", "[one, 1]"];
    let assigned = (prop::sample::select(x.to_vec()), prop::sample::select(y.to_vec()));
    assigned
        .prop_map(|(x, y)| format!("{{% set x = {x} | default(value=one) %}}{{% set y = {y} %}}"))
}

/// Returns a piece of a template; `@` is replaced so that each id is unique.
fn piece() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => expression().prop_map(|e| format!("{{% if {e} is defined %}}{{{{ {e} }}}}{{% endif %}};")),
        1 => Just("{% include 'card.html' %}".to_owned()),
        1 => Just("{{ <badge row={one} other={motto} /> }}".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let inner = prop::collection::vec(inner, 1..4).prop_map(|pieces| pieces.concat());
        prop_oneof![
            4 => inner.clone().prop_map(|a| format!("{{% cache id='@' %}}[{a}]{{% endcache %}}")),
            2 => inner.clone().prop_map(|a| format!("{{% if one %}}{{% cache row=one %}}({a}){{% endcache %}}{{% endif %}}")),
            1 => (expression(), inner.clone(), inner.clone())
                .prop_map(|(e, a, b)| format!("{{% if {e} %}}{a}{{% else %}}{b}{{% endif %}}")),
            // Two bodies with one id; a page contains one of them.
            2 => ("q[a-z]{5}", expression(), inner.clone(), inner.clone()).prop_map(|(q, e, a, b)| format!(
                "{{% if {e} %}}{{% cache id='{q}' %}}{a}{{% endcache %}}{{% else %}}{{% cache id='{q}' %}}!{b}{{% endcache %}}{{% endif %}}"
            )),
            1 => ("z[a-z]{5}", expression(), inner.clone()).prop_map(|(z, e, a)| {
                format!("{{% set {z} = {e} | default(value=0) %}}{a}{{{{ {z} }}}}")
            }),
            1 => ("z[a-z]{5}", expression(), inner.clone()).prop_map(|(z, e, a)| format!(
                "{{% if {e} %}}{{% set {z} = one %}}{{% endif %}}{a}{{% if {z} is defined %}}{{{{ {z} }}}}{{% endif %}}"
            )),
            1 => ("z[a-z]{5}", inner.clone())
                .prop_map(|(z, a)| format!("{{% set {z} %}}{a}{{% endset %}}{{{{ {z} }}}}")),
            1 => inner.clone().prop_map(|a| format!("{{% for motto in [1] %}}{a}{{% endfor %}}")),
            // The id does not contain the title at which the loop stops.
            2 => inner.clone().prop_map(|a| format!(
                "{{% for s in list %}}{{% if loop.first %}}{{% set x = s %}}{{% cache id='@' %}}{a}{{{{ s.title }}}}\
                 {{% endcache %}}{{% endif %}}{{% endfor %}}"
            )),
            3 => Just("{% for s in list %}{% include 'card.html' %}{% endfor %}".to_owned()),
            3 => Just(
                "{% for s in page.rows %}{% cache row=s %}{{ s.title }}{{ loop.index }}{% if s.open %}{{ motto }}{% endif %}\
                 {% endcache %}{% cache id=['@', s.k] %}{{ s.tags }}{{ count }}{% endcache %}{% endfor %}"
                    .to_owned()
            ),
        ]
    })
}

const CARD: &str = "{% set s = s | default(value=one) %}{% if s %}{% cache row=s %}{{ s.title }}{{ plain }}\
                    {% cache row=s %}{{ motto }}{{ s.tags }}{% endcache %}{% endcache %}{% endif %}";
const BADGE: &str = "{% component badge(row, other, @count) %}{% if row %}{% cache row=row %}{{ row.title }}{{ other }}{{ count }}\
                     {% endcache %}{% endif %}{% endcomponent %}";

fn template(pieces: &[String], name: &str) -> String {
    let mut number = 0;
    let text = pieces.concat();
    let numbered = text.split('@').map(|piece| {
        number += 1;
        format!("{piece}{name}{number}")
    });
    let text: String = numbered.collect();
    // Removes the unique suffix after the last piece.
    text.strip_suffix(&format!("{name}{number}")).unwrap().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_cached_fragment_equals_a_fresh_evaluation(
        assignments in assignments(),
        page in prop::collection::vec(piece(), 1..4),
        other in prop::collection::vec(piece(), 1..3),
        mut data in data(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let page = format!("{assignments}{}", template(&page, "p"));
        let other = template(&other, "o");
        let files = [("page.html", &*page), ("other.html", &*other), ("card.html", CARD), ("badge.html", BADGE)];
        let folder = write(&files);
        let loaded = Engine::load(folder.path(), &EngineOptions::default());
        // Blocks are not allowed everywhere, and Tera has limits of its own.
        let Ok(engine) = loaded else { return Ok(()) };
        let kept: Rc<Kept> = Rc::default();
        let mut before = data.groups();
        for change in std::iter::once(None).chain(changes.iter().map(Some)) {
            if let Some(change) = change {
                change.apply(&mut data);
            }
            let now = data.groups();
            let changed = before.keys().chain(now.keys()).filter(|group| before.get(*group) != now.get(*group));
            kept.invalidate(&changed.cloned().collect());
            before = now;
            for (name, is_other) in [("page.html", false), ("other.html", true), ("page.html", false)] {
                let values = data.values(is_other);
                let fresh = engine.render(name, &values, Rc::new(NoFragments)).map(|page| shown(&page.content));
                let found = engine.render(name, &values, kept.clone()).map(|page| shown(&page.content));
                match (fresh, found) {
                    (Ok(fresh), Ok(found)) => prop_assert_eq!(found, fresh, "{} after {:?} with\n{}\n{}", name, change, page, other),
                    (Err(_), _) => return Ok(()),
                    (Ok(_), Err(error)) => return Err(TestCaseError::fail(error.to_string())),
                }
            }
        }
    }
}
