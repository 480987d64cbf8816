//! The state of the render that runs on this thread.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::mem;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use tera::{Error, TeraResult, Value};

use super::arguments::{FragmentKey, FragmentType};
use super::dependence::{Dependence, Known};
use super::marks::{Cut, Damaged, Mark, Marks};
use super::mentions::Places;
use super::names::Names;
use super::{FragmentFill, Fragments};
use crate::pieces::{Fragment, Part, Piece, Pieces};
use crate::request_values::RequestValues;
use crate::templates::rendered::Rendered;
use crate::templates::values::Values;

thread_local! {
    /// The renders of this thread. The last one runs; each of the others waits for a function that it calls, which
    /// renders too.
    static RENDERS: RefCell<Vec<Render>> = const { RefCell::new(Vec::new()) };
}

/// One render.
pub(super) struct Render {
    fragments: Rc<dyn Fragments>,
    places: Arc<Places>,
    values: Values,
    template: Arc<str>,
    /// The values with their marks, once they are requested.
    known: Option<Rc<Known>>,
    /// The limit on the bytes of fragments that are kept.
    limit: usize,
    kept: usize,
    /// Drawn with the first mark.
    marks: Option<Marks>,
    /// The fragments whose body is being evaluated, the innermost last.
    open: Vec<Open>,
    /// All fragments whose text may be in a variable or output, by the number in their marks.
    done: Vec<Done>,
    /// All parts, by the number in their marks.
    parts: Vec<Part>,
    fills: Vec<FragmentFill>,
    /// The text of a fragment that was found, to be written next.
    found: Option<Value>,
    /// A buffer for the text of a fragment with its marks.
    marked: String,
    page: Holds,
}

/// The groups and fragments of a fragment or of the page.
#[derive(Default)]
struct Holds {
    groups: Names,
    /// The groups of its reads, beyond those of the page.
    recorded: Names,
    /// Whether it belongs to all groups that were recorded for the page.
    all_recorded: bool,
    contains: Names,
}

struct Open {
    key: FragmentKey,
    /// `None` if it is not kept.
    kind: Option<FragmentType>,
    holds: Holds,
}

struct Done {
    id: Arc<str>,
    fragment: Arc<Fragment>,
}

impl Holds {
    fn add(&mut self, id: &Arc<str>, fragment: &Fragment) {
        self.contains.add_shared(id);
        self.contains.extend(fragment.contains.iter().map(|id| &**id));
        self.groups.extend(fragment.groups.iter().map(|group| &**group));
        fragment.recorded.iter().for_each(|group| self.recorded.add_shared(group));
    }

    /// Returns the groups of its reads; `None` if they are unknown.
    fn recorded(mut self, page: Option<&[Arc<str>]>) -> (Holds, Option<Box<[Arc<str>]>>) {
        if self.all_recorded {
            let Some(page) = page else { return (self, None) };
            page.iter().for_each(|group| self.recorded.add_shared(group));
        }
        let recorded = mem::take(&mut self.recorded).into_shared();
        (self, Some(recorded))
    }
}

/// A guard for a render on this thread, which ends on drop.
pub(in crate::templates) struct Running {
    /// The number of renders that wait for it.
    depth: usize,
    /// Keeps the guard on its thread.
    thread: PhantomData<Rc<()>>,
}

impl Running {
    /// Begins a render of `template` with these values. `places` are all fragments of the site.
    pub(in crate::templates) fn begin(
        fragments: Rc<dyn Fragments>,
        (places, template, values): (&Arc<Places>, &str, &Values),
        limit: usize,
    ) -> Running {
        let render = Render {
            fragments,
            places: Arc::clone(places),
            values: values.clone(),
            template: template.into(),
            known: None,
            limit,
            kept: 0,
            marks: None,
            open: Vec::new(),
            done: Vec::new(),
            parts: Vec::new(),
            fills: Vec::new(),
            found: None,
            marked: String::new(),
            page: Holds::default(),
        };
        let depth = RENDERS.with_borrow_mut(|renders| {
            renders.push(render);
            renders.len() - 1
        });
        Running { depth, thread: PhantomData }
    }

    /// Removes the marks from the output, and stores the fragments.
    ///
    /// # Errors
    /// Fails with a message when something has changed the text of fragments.
    pub(in crate::templates) fn end(self, output: &[u8]) -> Result<Rendered, String> {
        let render = RENDERS.with_borrow_mut(|renders| {
            renders.truncate(self.depth + 1);
            renders.pop()
        });
        // Only this guard removes its render.
        let render = render.expect("the render has not ended");
        let content = match &render.marks {
            None => Bytes::copy_from_slice(output).into(),
            Some(marks) => render.pieces(render.cut(marks, output)?),
        };
        for fill in render.fills {
            render.fragments.keep(fill);
        }
        let Holds { groups, recorded, contains, all_recorded: _ } = render.page;
        let (groups, contains) = (groups.into_strings(), contains.into_strings());
        Ok(Rendered { content, groups, recorded: recorded.into_strings(), contains })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RENDERS.with_borrow_mut(|renders| renders.truncate(self.depth));
    }
}

/// Calls `action` with the render that runs on this thread.
pub(super) fn running<T>(action: impl FnOnce(&mut Render) -> TeraResult<T>) -> TeraResult<T> {
    RENDERS.with_borrow_mut(|renders| match renders.last_mut() {
        Some(render) => action(render),
        None => Err(Error::message("this can be used within a template of the site only")),
    })
}

/// Returns the fragment store of the render on this thread, for use while nothing is borrowed.
pub(super) fn fragments() -> TeraResult<Rc<dyn Fragments>> {
    running(|render| Ok(Rc::clone(&render.fragments)))
}

/// Returns the name of the variant of the page that is rendered on this thread, if it has one.
pub(in crate::templates) fn variant() -> TeraResult<Option<Arc<str>>> {
    running(|render| Ok(render.values.variant().cloned()))
}

/// Returns the request values that the page rendered on this thread may show.
pub(in crate::templates) fn request() -> TeraResult<RequestValues> {
    running(|render| Ok(render.values.request().clone()))
}

/// Returns the language of the page that is rendered on this thread.
pub(in crate::templates) fn lang() -> TeraResult<Arc<str>> {
    let lang = running(|render| Ok(render.values.request().lang.clone()))?;
    lang.ok_or_else(|| {
        Error::message(
            "this page has no language: name the site's languages at the top of project.toml, as languages = [\"en\"]",
        )
    })
}

impl Render {
    /// Returns the values with their marks.
    pub(super) fn known(&mut self) -> Rc<Known> {
        let (places, values, template) = (&self.places, &self.values, &self.template);
        let known = self.known.get_or_insert_with(|| {
            Rc::new(Known {
                places: Arc::clone(places),
                values: values.clone(),
                marked: values.marked(),
                template: Arc::clone(template),
            })
        });
        Rc::clone(known)
    }

    /// Returns the secret in each text of this render that contains a fragment or a part, if one was written.
    pub(super) fn secret(&self) -> Option<&str> {
        self.marks.as_ref().map(Marks::head)
    }

    /// Begins the body of a fragment. `groups` are those that the tag names.
    pub(super) fn open(
        &mut self,
        key: FragmentKey,
        kind: Option<FragmentType>,
        groups: &[String],
        depends: &Dependence,
    ) {
        let mut holds = Holds { all_recorded: depends.all, ..Holds::default() };
        holds.groups.extend(groups.iter().map(String::as_str));
        depends.groups.iter().for_each(|group| holds.recorded.add_shared(group));
        self.open.push(Open { key, kind, holds });
    }

    /// Ends the body of the innermost fragment, whose output is `body`. Returns the text to write in its place.
    pub(super) fn close(&mut self, body: &str) -> TeraResult<Value> {
        let Some(Open { key, kind, mut holds }) = self.open.pop() else {
            return Err(Error::message("this ends a fragment, but there is none"));
        };
        let mut content = Pieces::new();
        match &self.marks {
            None => content.push_bytes(Bytes::copy_from_slice(body.as_bytes())),
            Some(marks) => {
                let cut = self.cut(marks, body.as_bytes()).map_err(Error::message)?;
                // Fragments that were evaluated in this body are in `holds`; a variable may have carried others.
                for number in &cut.fragments {
                    if let Some(Done { id, fragment }) = self.done.get(*number) {
                        holds.add(id, fragment);
                    }
                }
                content = self.pieces(cut);
            }
        }
        let all_recorded = holds.all_recorded;
        let (holds, recorded) = holds.recorded(self.values.recorded());
        let kind = kind.filter(|_| self.kept + body.len() <= self.limit && recorded.is_some());
        let (groups, contains) = (holds.groups.into_boxes(), holds.contains.into_boxes());
        let recorded = recorded.unwrap_or_default();
        let content = if kind.is_some() { content } else { Pieces::new() };
        let fragment = Arc::new(Fragment { content, groups, recorded, contains });
        self.innermost().all_recorded |= all_recorded;
        if let Some(kind) = kind {
            self.kept += body.len();
            let (key, fragment) = (key.clone(), Arc::clone(&fragment));
            self.fills.push(FragmentFill { key, kind, fragment });
        }
        self.marked(&key.id, fragment, |_, text| {
            text.push_str(body);
            Ok(())
        })
    }

    /// Uses a fragment that was found instead of evaluating its body.
    pub(super) fn find(&mut self, key: &FragmentKey, fragment: Arc<Fragment>) -> TeraResult<()> {
        let within = Arc::clone(&fragment);
        let found = self.marked(&key.id, fragment, |render, text| {
            for piece in within.content.iter() {
                match piece {
                    // Templates write text, and parts are between characters.
                    Piece::Bytes(bytes) => {
                        text.push_str(std::str::from_utf8(bytes).map_err(|_| {
                            Error::message("the cached content of this fragment is not text")
                        })?)
                    }
                    Piece::Part(part) => render.write_part(Part::clone(part), text)?,
                }
            }
            Ok(())
        })?;
        self.found = Some(found);
        Ok(())
    }

    /// Takes the text of the fragment that was found.
    pub(super) fn found(&mut self) -> TeraResult<Value> {
        self.found.take().ok_or_else(|| Error::message("no fragment was found"))
    }

    /// Returns the mark of a part.
    pub(super) fn part(&mut self, part: Part) -> TeraResult<Value> {
        let mut text = String::new();
        self.write_part(part, &mut text)?;
        Ok(Value::safe_string(&text))
    }

    /// Writes the text of a fragment between its marks, and adds the fragment to the one around it, or to the page.
    fn marked(
        &mut self,
        id: &str,
        fragment: Arc<Fragment>,
        write: impl FnOnce(&mut Render, &mut String) -> TeraResult<()>,
    ) -> TeraResult<Value> {
        let number = self.done.len();
        let mut text = mem::take(&mut self.marked);
        text.clear();
        text.reserve(fragment.content.len() + Marks::PAIR);
        let id = Arc::from(id);
        self.innermost().add(&id, &fragment);
        self.done.push(Done { id, fragment });
        self.write(Mark::Begin(number), &mut text)?;
        write(self, &mut text)?;
        self.write(Mark::End(number), &mut text)?;
        let value = Value::safe_string(&text);
        self.marked = text;
        Ok(value)
    }

    fn write_part(&mut self, part: Part, text: &mut String) -> TeraResult<()> {
        let number = self.parts.len();
        self.parts.push(part);
        self.write(Mark::Part(number), text)
    }

    fn write(&mut self, mark: Mark, text: &mut String) -> TeraResult<()> {
        let marks = self.marks.get_or_insert_with(Marks::new);
        let written = marks.write(mark, text);
        written.ok_or_else(|| Error::message("this page has too many fragments and parts"))
    }

    /// Returns the innermost open fragment, or the page.
    fn innermost(&mut self) -> &mut Holds {
        self.open.last_mut().map_or(&mut self.page, |open| &mut open.holds)
    }

    /// Splits a text at its parts.
    fn pieces(&self, cut: Cut) -> Pieces {
        let mut pieces = Pieces::new();
        let text = Bytes::from(cut.text);
        let mut from = 0;
        for (at, number) in cut.parts {
            pieces.push_bytes(text.slice(from..at));
            if let Some(part) = self.parts.get(number) {
                pieces.push_part(part.clone());
            }
            from = at;
        }
        pieces.push_bytes(text.slice(from..));
        pieces
    }

    /// Removes the marks from a text, or returns an error message.
    fn cut(&self, marks: &Marks, text: &[u8]) -> Result<Cut, String> {
        let known = |number: usize| self.done.get(number)?.fragment.content.as_slice();
        marks.cut(text, known).map_err(|damaged| self.damage(damaged))
    }

    fn damage(&self, damaged: Damaged) -> String {
        let which = damaged.fragment.and_then(|number| self.done.get(number));
        let which = which.map(|done| format!(" `{}`", done.id)).unwrap_or_default();
        format!(
            "the text of the fragment{which} (or a part near it) was cut or reversed after it was \
             written, by a filter around it or on a variable that holds it; write the filter inside of \
             `{{% cache %}}`, or do not cache this"
        )
    }
}
