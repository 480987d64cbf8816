# The texts of the site: a template shows one with `t(key="home.lead")`. `cargo run -- generate locale de` adds a
# language.

home = Home
    .lead = This page comes from the cache, for everybody, until someone leaves a note. Then it is made once more.

note = Leave a note
    .leave = Leave it
    .none = There are no notes yet.

site = Made with Headwater.
    .content = To the content
    .navigation = Main
    .home = To the front page

error-404 = There is no such page
    .lead = The address may be mistyped, or the page is gone.

error-500 = Something went wrong
    .lead = The fault is ours, and it has been noted.

error-503 = One moment
    .lead = The site is not quite there. Please try again shortly.
