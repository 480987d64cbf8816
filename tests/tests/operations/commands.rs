//! Commands that send requests to running nodes.

use crate::{CLUSTER, site};

#[tokio::test]
async fn invalidate_prints_the_receipt() {
    let cluster = CLUSTER.borrow();
    // The first write waits for front ends of a possible earlier log.
    cluster.visitor(0).form("/page/300", "").await;
    let admin = format!("http://{}", cluster.backend.admin());
    for arguments in [["--group", "page:300"], ["--pattern", "^/grouped/300$"]] {
        for frontend in 0..2 {
            cluster.visitor(frontend).page("/grouped/300").await;
            assert!(cluster.visitor(frontend).page("/grouped/300").await.is_hit());
        }
        let printed = cluster
            .site
            .printed(&["invalidate", arguments[0], arguments[1], "--admin", &admin])
            .await;
        assert_eq!((printed.code, &*printed.errors), (0, ""));
        let lines: Vec<&str> = printed.out.lines().collect();
        assert!(lines[0].starts_with("position "), "{lines:?}");
        assert!(lines[1].starts_with("f1 ") && lines[1].ends_with(" ms"), "{lines:?}");
        assert!(lines[2].starts_with("f2 ") && lines.len() == 3, "{lines:?}");
        for frontend in 0..2 {
            assert!(!cluster.visitor(frontend).page("/grouped/300").await.is_hit());
        }
    }
}

#[tokio::test]
async fn an_invalid_invalidation_fails_and_has_no_effect() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let admin = format!("http://{}", cluster.backend.admin());
    let frontend = format!("http://{}", cluster.frontends[0].admin());
    visitor.page("/grouped/400").await;
    assert!(visitor.page("/grouped/400").await.is_hit());
    for (arguments, code, message) in [
        (
            &["--group", "page:400", "--pattern", "^/(a", "--admin", &*admin][..],
            1,
            "unclosed group",
        ),
        (&["--admin", &admin], 2, "--group"),
        (&["--group", "page:400", "--admin", &frontend], 1, "not a back end's admin port"),
        (&["--group", "page:400", "--admin", "http://127.0.0.1:9"], 1, "cannot be reached"),
        (&["--group", "page:400", "--admin", "no address"], 2, "no address"),
    ] {
        let arguments = [&["invalidate"], arguments].concat();
        let printed = cluster.site.printed(&arguments).await;
        assert_eq!(printed.code, code, "{arguments:?}: {}", printed.errors);
        assert!(printed.errors.contains(message), "{arguments:?}: {}", printed.errors);
        assert!(visitor.page("/grouped/400").await.is_hit(), "{arguments:?}");
    }
}

#[tokio::test]
async fn status_shows_nodes_and_members() {
    let cluster = CLUSTER.borrow();
    cluster.visitor(0).page("/page/500").await;
    let backend = format!("http://{}", cluster.backend.admin());
    let frontend = format!("http://{}", cluster.frontends[0].admin());
    let printed =
        cluster.site.printed(&["status", "--admin", &backend, "--admin", &frontend]).await;
    assert_eq!((printed.code, &*printed.errors), (0, ""));
    let line = |name: &str| {
        let line = printed.out.lines().find(|line| line.split(' ').next() == Some(name));
        line.unwrap_or_else(|| panic!("no {name} in {}", printed.out)).to_owned()
    };
    assert!(line("b1").contains("backend") && line("b1").contains(&backend));
    assert!(line("f1").contains("frontend") && line("f1").contains('%'));
    assert!(line("f2").contains("serving"));
    let absent = cluster.site.printed(&["status", "--admin", "http://127.0.0.1:9"]).await;
    assert_eq!(absent.code, 1);
    assert!(absent.errors.contains("http://127.0.0.1:9"), "{}", absent.errors);
}

#[tokio::test]
async fn the_command_line_has_help() {
    let site = site();
    let help = site.printed(&["--help"]).await;
    assert_eq!(help.code, 0);
    for command in ["serve", "cluster", "routes", "check", "invalidate", "status"] {
        assert!(help.out.contains(command), "{command}: {}", help.out);
        assert_eq!(site.printed(&[command, "--help"]).await.code, 0, "{command}");
    }
    let wrong = site.printed(&["sreve"]).await;
    assert_eq!(wrong.code, 2);
    assert!(wrong.errors.contains("serve"), "{}", wrong.errors);
    let wrong = site.printed(&["serve", "--mode", "frontent"]).await;
    assert_eq!(wrong.code, 2);
    assert!(wrong.errors.contains("frontend"), "{}", wrong.errors);
}
