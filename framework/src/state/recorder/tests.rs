use super::*;
use crate::state::key::{OwnedKey, encoded};

fn text(text: &str) -> Arc<str> {
    text.into()
}

#[test]
fn more_reads_than_the_limit_become_wider_groups() {
    let recorder = Recorder::new(4, AfterReply::Refused);
    let tagged = text("recipes@tag=soup*");
    for key in 1..=5 {
        recorder.group(&text(&format!("recipes/{key}")), "recipes", Some(&tagged));
    }
    recorder.value("motto");
    recorder.group(&text("recipes@tag=soup"), "recipes", Some(&tagged));
    recorder.group(&text("recipes@"), "recipes", None);
    recorder.group(&text("recipes/7"), "recipes", None);
    let reads = recorder.close();
    assert_eq!(reads.groups, ["motto", "recipes*", "recipes@tag=soup*"]);
    let widened = reads.widened.unwrap();
    assert_eq!((widened.group.as_str(), widened.reads), ("recipes@tag=soup*", 6));
    assert!(
        widened.to_string().contains("6 of them of the rows of `recipes` with tag=soup"),
        "{widened}"
    );
}

#[test]
fn too_many_values_become_whole_tables() {
    let recorder = Recorder::new(4, AfterReply::Refused);
    for key in 1..=9 {
        let (row, via) = (text(&format!("recipes/{key}")), text(&format!("recipes@tag={key}*")));
        recorder.group(&row, "recipes", Some(&via));
        recorder.group(&text(&format!("comments/{key}")), "comments", None);
    }
    assert_eq!(recorder.close().groups, ["comments*", "recipes*"]);
}

fn spell(mut key: &[u8], text: &mut String) {
    u32::decode(&mut key).unwrap().spell(text);
}

/// Records that the row with this number was read.
fn read(recorder: &Recorder, number: u32, via: Option<&Arc<str>>) {
    recorder.row("recipes", (&encoded(&number).as_slice().into(), spell), via);
}

#[test]
fn repeated_reads_of_a_group_count_once() {
    for further in [None, Some(300)] {
        let recorder = Recorder::new(300, AfterReply::Refused);
        for number in (0..300).chain(0..300).chain(0..300).chain(further) {
            read(&recorder, number, None);
        }
        let reads = recorder.close();
        assert_eq!(reads.widened.is_some(), further.is_some());
        assert_eq!(reads.groups.len(), if further.is_some() { 1 } else { 300 });
    }
}

#[test]
fn the_wider_group_of_a_row_does_not_depend_on_the_order_of_reads() {
    let (soup, cake) = (text("recipes@tag=soup*"), text("recipes@tag=cake*"));
    let ways = [Some(&soup), None, Some(&cake), None];
    for begin in 0..ways.len() {
        let recorder = Recorder::new(1, AfterReply::Refused);
        for via in ways.iter().cycle().skip(begin).take(ways.len()) {
            read(&recorder, 1, *via);
        }
        read(&recorder, 2, Some(&cake));
        assert_eq!(recorder.close().groups, ["recipes@tag=cake*"], "{begin}");
    }
}

#[test]
fn the_wider_group_of_a_row_does_not_depend_on_the_batch_of_the_read() {
    let (soup, cake) = (text("recipes@tag=soup*"), text("recipes@tag=cake*"));
    for (first, second) in [(&soup, &cake), (&cake, &soup)] {
        let recorder = Recorder::new(1, AfterReply::Refused);
        for _ in 0..RECENT {
            read(&recorder, 1, Some(first));
        }
        read(&recorder, 1, Some(second));
        read(&recorder, 2, Some(&cake));
        assert_eq!(recorder.close().groups, ["recipes@tag=cake*"]);
    }
}

#[test]
#[should_panic(expected = "read after the reply had been made")]
fn a_read_after_the_reply_is_an_error() {
    let recorder = Recorder::new(4, AfterReply::Refused);
    recorder.close();
    recorder.value("motto");
}
