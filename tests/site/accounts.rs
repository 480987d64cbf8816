//! Visitors who sign in, and the end of their sessions.

use std::time::Duration;

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::notes::{Change, Notes};

/// A visitor who has signed in.
#[derive(Clone, Serialize, Deserialize, Session)]
pub(crate) struct Account {
    #[session(user)]
    name: String,
}

/// The sign-in form.
#[derive(Deserialize)]
pub(crate) struct SignIn {
    name: String,
    /// The time that the controller takes.
    #[serde(default)]
    milliseconds: u64,
}

/// Accepts any name.
#[controller("accounts.sign_in")]
pub(crate) async fn sign_in(Form(form): Form<SignIn>) -> Reply {
    tokio::time::sleep(Duration::from_millis(form.milliseconds)).await;
    redirect_to("/me").sign_in(&Account { name: form.name })
}

/// Shows the visitor's name.
#[controller("accounts.me")]
pub(crate) async fn me(account: Session<Account>) -> String {
    account.name.clone()
}

/// Shows the visitor's name, if there is one.
#[controller("accounts.greet")]
pub(crate) async fn greet(account: Option<Session<Account>>) -> Reply {
    let name = account.as_ref().map_or("nobody", |account| &account.name);
    template("greeting.html").with("controller", name)
}

/// Shows the name of the visitor's session and nothing else that depends on the visitor: one page for each user.
#[controller("accounts.corner")]
pub(crate) async fn corner(user: Option<SessionUser>) -> Reply {
    match user {
        Some(SessionUser(name)) => html(format!("corner of {name}")),
        None => html("corner of a guest"),
    }
}

/// Ends this session.
#[controller("accounts.sign_out")]
pub(crate) async fn sign_out(account: Session<Account>) -> Result<Reply> {
    let ended = account.end().await?;
    Ok(redirect_to("/").sign_out(ended))
}

/// Ends all sessions of the visitor, and begins a new one.
#[controller("accounts.renew")]
pub(crate) async fn renew(account: Session<Account>, cluster: Cluster) -> Result<Reply> {
    cluster.revoke_user(&account.name).await?;
    Ok(redirect_to("/me").sign_in(&*account))
}

/// Adds a line to the notes and ends all sessions of the visitor, in one record.
#[controller("accounts.noted")]
pub(crate) async fn noted(account: Session<Account>, mut notes: DataMut<Notes>) -> Result<Reply> {
    let line = format!("{} has gone", account.name);
    notes.update_and_revoke_user(Change::Add { line }, &account.name).await??;
    Ok(redirect_to("/"))
}
