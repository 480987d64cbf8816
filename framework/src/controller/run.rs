use super::Registration;
use super::panic::caught;
use crate::reply::Reply;
use crate::request::Request;

/// Runs a controller for one request: its before-steps, the controller, its after-steps.
///
/// Panics are caught: the visitor receives an error 500, and other requests are not affected.
/// After-steps see every reply.
pub async fn answer(registration: &Registration, mut request: Request) -> Reply {
    let request_id = request.parts.request_id.clone();
    let refused = refusal(registration, &mut request, &request_id).await;
    let seen_by_after = (!registration.after.is_empty()).then(|| Box::new(request.parts.clone()));
    let mut reply = match refused {
        Some(reply) => reply,
        None => {
            let handler = registration.handler.clone();
            let name = || format!("the controller `{}`", registration.name());
            let ran = caught(name, &request_id, async move { handler(request).await }).await;
            ran.unwrap_or_else(|panicked| panicked)
        }
    };
    let Some(parts) = seen_by_after else { return reply };
    for step in &registration.after {
        let name = || format!("an after-step of the controller `{}`", registration.name());
        let ran = caught(name, &request_id, async { step.run(&parts, reply).await }).await;
        reply = ran.unwrap_or_else(|panicked| panicked);
    }
    reply
}

/// Runs the before-steps. Returns the reply of the first one that replies itself.
async fn refusal(
    registration: &Registration,
    request: &mut Request,
    request_id: &str,
) -> Option<Reply> {
    for step in &registration.before {
        let name = || format!("a before-step of the controller `{}`", registration.name());
        match caught(name, request_id, async { step.run(request).await }).await {
            Ok(Ok(())) => {}
            Ok(Err(reply)) | Err(reply) => return Some(reply),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::{After, Before, Controllers, Next};
    use crate::extract::Need;
    use crate::reply::{Content, redirect_to, status, text};
    use crate::request::RequestParts;

    #[derive(Clone)]
    struct Trace(Vec<&'static str>);

    async fn first(request: &mut Request) -> Result<(), Reply> {
        request.parts.extensions.get_or_insert_with(|| Trace(Vec::new())).0.push("first");
        Ok(())
    }

    async fn second(request: &mut Request) -> Result<(), Reply> {
        request.parts.extensions.get_or_insert_with(|| Trace(Vec::new())).0.push("second");
        Ok(())
    }

    async fn to_login(_: &mut Request) -> Result<(), Reply> {
        Err(redirect_to("/login"))
    }

    async fn stamp(reply: Reply) -> Reply {
        reply.append_header("x-after", "stamp")
    }

    async fn path(parts: &RequestParts, reply: Reply) -> Reply {
        reply.append_header("x-after", parts.uri.path())
    }

    struct Deny(u16);

    impl Before for Deny {
        const NEEDS: &'static [Need] = &[];

        async fn before(&self, _: &mut Request) -> Result<(), Reply> {
            Err(status(self.0))
        }
    }

    struct Name(&'static str);

    impl After for Name {
        async fn after(&self, _: &RequestParts, reply: Reply) -> Reply {
            reply.append_header("x-after", self.0)
        }
    }

    async fn steps(request: Request) -> String {
        request.parts.extensions.get::<Trace>().map(|trace| trace.0.join(" ")).unwrap_or_default()
    }

    async fn run(registration: &Registration) -> Reply {
        answer(registration, Request::builder().uri("/here").build().unwrap()).await
    }

    async fn body(reply: Reply) -> String {
        let Content::Body(body) = reply.into_parts().content else { panic!() };
        String::from_utf8(body.collect(1000).await.unwrap().to_vec()).unwrap()
    }

    fn after(reply: &Reply) -> Vec<&str> {
        let values = reply.headers().get_all("x-after").into_iter();
        values.map(|value| value.to_str().unwrap()).collect()
    }

    #[tokio::test]
    async fn steps_run_in_their_order_around_the_controller() {
        let registration = Registration::new("steps", steps).before(second).before(first);
        let reply = run(&registration.after(stamp).after(path).after(Name("name"))).await;
        assert_eq!(after(&reply), ["stamp", "/here", "name"]);
        assert_eq!(body(reply).await, "first second");
    }

    #[tokio::test]
    async fn a_before_step_may_answer_and_after_steps_still_see_it() {
        let registration = Registration::new("steps", steps).before(to_login).after(stamp);
        let reply = run(&registration).await;
        assert_eq!(reply.status(), 303);
        assert_eq!(after(&reply), ["stamp"]);
        assert_eq!(run(&registration.before(Deny(403))).await.status(), 403);
    }

    #[tokio::test]
    async fn a_list_of_controllers_takes_steps_and_wrappers_as_a_whole() {
        async fn loud(request: Request, next: Next) -> Reply {
            next.run(request).await.header("x-loud", "yes")
        }
        let controllers = Controllers::new()
            .with(Registration::new("a", steps).before(second))
            .with(Registration::new("b", steps))
            .before(first)
            .after(stamp)
            .wrap(loud);
        let mut bodies = Vec::new();
        for registration in &controllers {
            let reply = run(registration).await;
            assert_eq!(reply.headers()["x-loud"], "yes");
            assert_eq!(after(&reply), ["stamp"]);
            bodies.push(body(reply).await);
        }
        assert_eq!(bodies, ["first second", "first"]);
    }

    #[tokio::test]
    async fn a_panic_anywhere_is_a_500_that_names_the_place() {
        async fn late(_: Request) -> &'static str {
            tokio::task::yield_now().await;
            panic!("no {}", "luck")
        }
        async fn early(_: &mut Request) -> Result<(), Reply> {
            panic!("too early")
        }
        async fn last(_: Reply) -> Reply {
            panic!("at last")
        }
        fn sync(_: Request) -> std::future::Ready<&'static str> {
            panic!("not even a future")
        }
        let fine = || Registration::new("x", async |_: Request| text("fine"));
        for (registration, cause) in [
            (Registration::new("x", late), "the controller `x` panicked: no luck"),
            (Registration::new("x", sync), "the controller `x` panicked: not even a future"),
            (fine().before(early), "a before-step of the controller `x` panicked: too early"),
            (fine().after(last), "an after-step of the controller `x` panicked: at last"),
        ] {
            let reply = run(&registration.after(stamp)).await;
            assert_eq!(reply.status(), 500);
            assert_eq!(after(&reply), ["stamp"]);
            let Content::Error { cause: Some(found), .. } = reply.content() else { panic!() };
            assert_eq!(found, cause);
        }
    }
}
