//! Front ends that outlive a back end, which returns with a shorter log than they have seen, with another data model,
//! or with other code.

use std::fs;
use std::io::Write;
use std::path::Path;

use headwater_tests::{Cluster, Cut, Mode, Site, copy_files, until};
use redb::{Database, TableDefinition};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

/// How a front end is separated from its back end meanwhile.
#[derive(Clone, Copy)]
enum Away {
    /// Its process is paused.
    Stopped,
    /// Its link is cut.
    CutOff,
}

/// Makes `f1` cache pages whose records the log then loses. `lose` changes the folder `data` while no back end runs and
/// returns the folder for the next back end. `keep` is called at the position to which the log is shortened later.
async fn lose_records(away: Away, keep: impl Fn(&Path), lose: impl Fn(&Path) -> String) {
    let site = Site::test_site(PROGRAM);
    let mut cluster = Cluster::start(site, 2).await;
    let (f1, f2) = (cluster.visitor(0), cluster.visitor(1));
    let data = cluster.site.path("data");
    assert_eq!(f2.form("/page/1", "").await.text(), "1");
    keep(&data);

    // The records that are lost: page 1 has version 2, and the log grows.
    assert_eq!(f2.form("/page/1", "").await.text(), "2");
    for _ in 0..6 {
        f2.form("/page/2", "").await;
    }
    for (page, version) in [(1, "2"), (3, "0")] {
        let target = format!("/page/{page}");
        until("it is cached", async || {
            let response = f1.page(&target).await;
            assert_eq!(response.text(), version);
            response.is_hit().then_some(())
        })
        .await;
    }

    match away {
        Away::Stopped => cluster.frontends[0].pause(),
        Away::CutOff => cluster.relays[0].cut(Cut::Silence),
    }
    cluster.backend.kill().await;
    let folder = lose(&data);
    let launch = cluster.site.node(Mode::Backend, "b1").set("LOG__PATH", &folder);
    cluster.backend = launch.start().await;
    for relay in &cluster.relays {
        relay.set_target(cluster.backend.link());
    }
    cluster.frontends[1].ready().await;

    // Other records take the positions that `f1` has applied, and then further ones.
    assert_eq!(f2.page("/page/1").await.text(), "1", "the log has lost the second version");
    assert_eq!(f2.form("/page/3", "").await.text(), "1");
    for _ in 0..20 {
        assert_eq!(f2.form("/page/4", "").await.status, 200);
    }

    match away {
        Away::Stopped => cluster.frontends[0].resume(),
        Away::CutOff => cluster.relays[0].heal(),
    }
    for (page, version) in [(1, "1"), (3, "1")] {
        let target = format!("/page/{page}");
        until("it serves from its cache again", async || {
            let response = f1.page(&target).await;
            if response.status == 200 {
                assert_eq!(response.text(), version, "{target}: {}", response.cache_status());
            }
            response.is_hit().then_some(())
        })
        .await;
    }
    assert_eq!(f2.form("/page/3", "").await.text(), "2");
    assert_eq!(f1.page("/page/3").await.text(), "2");
}

fn backup_of(data: &Path) -> std::path::PathBuf {
    data.with_file_name("backup")
}

#[tokio::test]
async fn a_front_end_paused_while_an_older_log_was_restored_drops_its_cache() {
    let keep = |data: &Path| copy_files(data, &backup_of(data));
    lose_records(Away::Stopped, keep, |data| {
        let file = "log.redb";
        fs::copy(backup_of(data).join(file), data.join(file)).expect("a file can be put back");
        "data".to_owned()
    })
    .await;
}

#[tokio::test]
async fn a_front_end_cut_off_while_an_older_copy_of_the_folder_took_over_drops_its_cache() {
    let keep = |data: &Path| copy_files(data, &backup_of(data));
    lose_records(Away::CutOff, keep, |_| "backup".to_owned()).await;
}

#[tokio::test]
async fn a_front_end_with_commits_that_the_disk_has_lost_drops_its_cache() {
    lose_records(
        Away::Stopped,
        |_| {},
        |data| {
            lose_last_records(&data.join("log.redb"), 7).expect("the log is a redb file");
            "data".to_owned()
        },
    )
    .await;
}

#[tokio::test]
async fn a_front_end_cut_off_while_an_earlier_position_was_restored_drops_its_cache() {
    restore_earlier(Away::CutOff).await;
}

#[tokio::test]
async fn a_front_end_paused_while_an_earlier_position_was_restored_drops_its_cache() {
    restore_earlier(Away::Stopped).await;
}

/// Restores the position after the first update of page 1.
async fn restore_earlier(away: Away) {
    lose_records(
        away,
        |_| {},
        |data| {
            let run = |arguments: &[&str]| {
                let mut command = std::process::Command::new(PROGRAM);
                let command = command.arg("data").args(arguments).arg("--data").arg(data);
                let output = command.output().expect("the program can be run");
                let errors = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.success(), "{arguments:?}: {errors}");
                String::from_utf8(output.stdout).expect("it prints text")
            };
            let records = run(&["log"]);
            let first = records.lines().find(|line| line.contains("\"state\":\"board\""));
            let first: serde_json::Value =
                serde_json::from_str(first.expect("a page was raised")).expect("lines of JSON");
            run(&["restore", "--at", &first["position"].to_string()]);
            "data".to_owned()
        },
    )
    .await;
}

fn lose_last_records(path: &Path, count: usize) -> Result<(), redb::Error> {
    const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
    let transaction = Database::open(path)?.begin_write()?;
    {
        let mut records = transaction.open_table(RECORDS)?;
        for _ in 0..count {
            records.pop_last()?;
        }
    }
    Ok(transaction.commit()?)
}

#[tokio::test]
async fn a_front_end_whose_back_end_has_other_code_or_another_data_model_drops_its_cache() {
    let mut cluster = Cluster::start(Site::test_site(PROGRAM), 1).await;
    let visitor = cluster.visitor(0);
    assert_eq!(visitor.form("/page/1", "").await.text(), "1");
    until("it is cached", async || visitor.page("/page/1").await.is_hit().then_some(())).await;
    let (same, other) = (Path::new(PROGRAM), &*cluster.site.path("another-program"));
    fs::copy(same, other).expect("a file can be copied");
    // A program runs as before with bytes appended to its file.
    let mut file = fs::File::options().append(true).open(other).expect("it is there");
    file.write_all(b"another").expect("it can be written to");
    drop(file);
    let starts = [
        (false, same, "NOTHING"),
        (true, other, "NOTHING"),
        (false, other, "NOTHING"),
        (true, other, "TEST_SITE_DRAFTS"),
    ];
    for ((is_another, program, variable), followed) in starts.into_iter().zip(2..) {
        cluster.backend.kill().await;
        let launch = cluster.site.node(Mode::Backend, "b1").program(program);
        let launch = launch.variable(variable, "1");
        cluster.backend = launch.start().await;
        cluster.relays[0].set_target(cluster.backend.link());
        // Its old lease may still be valid, and without a lease no response shows the content of its cache.
        until("it follows the new back end", async || {
            let messages = cluster.frontends[0].messages();
            (messages.to_string().matches("following back end").count() >= followed).then_some(())
        })
        .await;
        until("it has a lease", async || {
            let response = visitor.page("/static").await;
            (!response.cache_status().contains("no-lease")).then_some(())
        })
        .await;
        let response = until("it is connected for calls", async || {
            let response = visitor.page("/page/1").await;
            (response.status == 200).then_some(response)
        })
        .await;
        assert_eq!(
            (response.is_hit(), response.text()),
            (!is_another, "1"),
            "{program:?} {variable}"
        );
        until("it is cached", async || visitor.page("/page/1").await.is_hit().then_some(())).await;
    }
    assert_eq!(visitor.form("/page/1", "").await.text(), "2");
    assert_eq!(visitor.page("/page/1").await.text(), "2");
}
