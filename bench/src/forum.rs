//! The data of the measurements: members with their messages, and articles with three indexes.

use std::time::{Duration, Instant};

use headwater::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::figures::{Times, micros};

/// The routes for the file `dispatch.conf`.
pub(crate) const DISPATCH: &str = r#"
[[route]]
path = "/forum/join"
methods = ["POST"]
controller = "forum.join"

[[route]]
path = "/forum/publish"
methods = ["POST"]
controller = "forum.publish"

[[route]]
path = "/forum/edit"
methods = ["POST"]
controller = "forum.edit"

[[route]]
path = "/forum/count"
controller = "forum.count"
cache = "no_cache"
"#;

/// The number of updates that are written together while data are inserted.
const TOGETHER: u64 = 50;

#[derive(Clone, Serialize, Deserialize, Row)]
pub(crate) struct Member {
    #[row(key)]
    id: u64,
    #[row(unique)]
    name: String,
}

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(index(by_author = (author, id)))]
pub(crate) struct Message {
    #[row(key)]
    id: u64,
    author: u64,
    text: String,
}

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(index(by_author = (author, number)), index(by_tag = (each tags, number)))]
pub(crate) struct Article {
    #[row(key)]
    slug: String,
    #[row(index)]
    number: u64,
    author: String,
    tags: Vec<String>,
    body: String,
}

#[derive(Clone, Default, State)]
pub(crate) struct Forum {
    members: Table<Member>,
    messages: Table<Message>,
    articles: Table<Article>,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Change {
    /// A new member with all of its messages.
    Join(Member, Vec<Message>),
    Publish(Vec<Article>),
    Edit {
        message: u64,
        text: String,
    },
}

impl Updates for Forum {
    const NAME: &'static str = "forum";
    type Update = Change;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, change: Change, _: &mut At) -> Result<(), Violation> {
        match change {
            Change::Join(member, messages) => {
                self.members.insert(member)?;
                messages.into_iter().try_for_each(|message| self.messages.insert(message))
            }
            Change::Publish(articles) => {
                articles.into_iter().try_for_each(|article| self.articles.insert(article))
            }
            Change::Edit { message, text } => {
                self.messages.update(message, |message| message.text = text)
            }
        }
    }
}

/// The duration of edits.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Edits {
    /// The number of edits per second.
    pub(crate) per_second: f64,
    /// The durations of single edits.
    pub(crate) times: Times,
    /// The longest duration, in microseconds.
    pub(crate) longest_us: f64,
}

fn text(number: u64) -> String {
    format!("Message {number}: the river is high")
}

fn article(number: u64) -> Article {
    let author = format!("author-{}", number % 1000);
    let tags = vec![format!("tag-{}", number % 50), format!("tag-{}", number % 7)];
    Article { slug: format!("story-{number}"), number, author, tags, body: "x".repeat(150) }
}

/// Parses the numbers in a request's body.
fn numbers<const COUNT: usize>(body: &str) -> [u64; COUNT] {
    let mut words = body.split_whitespace().map(|word| word.parse().unwrap_or(0));
    std::array::from_fn(|_| words.next().unwrap_or(0))
}

async fn put_in(mut forum: DataMut<Forum>, changes: impl Iterator<Item = Change>) -> Result<Reply> {
    let mut changes = changes.peekable();
    while changes.peek().is_some() {
        let together = changes.by_ref().take(TOGETHER as usize).collect();
        forum.update_many(together).await?.into_iter().collect::<Result<Vec<()>, _>>()?;
    }
    Ok(text_reply(&forum))
}

fn text_reply(forum: &ForumView) -> Reply {
    let count = forum.members.count() + forum.messages.count() + forum.articles.count();
    headwater::reply::text(count.to_string())
}

/// Adds `MEMBERS` members from number `FIRST` on, with `EACH` messages each. The body is "FIRST MEMBERS EACH".
#[controller("forum.join")]
pub(crate) async fn join(forum: DataMut<Forum>, body: String) -> Result<Reply> {
    let [first, members, each] = numbers(&body);
    let joined = |id: u64| {
        let messages = (id * each..(id + 1) * each).map(|number| Message {
            id: number,
            author: id,
            text: text(number),
        });
        Change::Join(Member { id, name: format!("member-{id}") }, messages.collect())
    };
    put_in(forum, (first..first + members).map(joined)).await
}

/// Adds `COUNT` articles of 200 bytes from number `FIRST` on. The body is "FIRST COUNT".
#[controller("forum.publish")]
pub(crate) async fn publish(forum: DataMut<Forum>, body: String) -> Result<Reply> {
    let [first, count] = numbers(&body);
    let starts = (first..first + count).step_by(TOGETHER as usize);
    let published = starts.map(|start| {
        let end = (start + TOGETHER).min(first + count);
        Change::Publish((start..end).map(article).collect())
    });
    put_in(forum, published).await
}

/// Changes messages with `CALLERS` concurrent callers for `MILLISECONDS`, each one in sequence. The body is "CALLERS
/// MILLISECONDS MESSAGES".
#[controller("forum.edit")]
pub(crate) async fn edit(forum: DataMut<Forum>, body: String) -> Result<Reply> {
    let [callers, milliseconds, messages] = numbers(&body);
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for caller in 0..callers {
        let mut forum = forum.clone();
        calls.spawn(async move {
            let (mut times, mut message) = (Vec::new(), caller * 7919);
            while began.elapsed() < Duration::from_millis(milliseconds) {
                message = (message + 104_729) % messages;
                let (asked, text) = (Instant::now(), text(message + times.len() as u64));
                let edited = forum.update(Change::Edit { message, text }).await;
                if !matches!(edited, Ok(Ok(()))) {
                    return Vec::new();
                }
                times.push(asked.elapsed());
            }
            times
        });
    }
    let times: Vec<Duration> = calls.join_all().await.into_iter().flatten().collect();
    let per_second = times.len() as f64 / began.elapsed().as_secs_f64();
    let longest_us = times.iter().max().copied().map_or(0.0, micros);
    let edits = Times::of(times).map(|times| Edits { per_second, times, longest_us });
    Ok(json(&edits))
}

/// Returns the number of rows.
#[controller("forum.count")]
pub(crate) async fn count(forum: Data<Forum>) -> Reply {
    text_reply(&forum)
}
