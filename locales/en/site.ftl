# What the interface says: a template asks for it with t(key="newest").

description = News from Alderwick on the River Wend, written by the people who live here.
site = The Weir: news from Alderwick
motto = News from Alderwick, by its people
skip = Skip to the content
navigation = Site
newest = Newest
all-stories = All stories
questions = Questions
write = Write a story
write-short = Write
latest = Latest:
colophon = The Weir is written by its readers and belongs to nobody in particular.
behind = Behind the page
as-json = Stories as JSON
language = Language

# Stories and comments
newest-stories = Newest stories
no-stories = Nothing has happened yet.
invite = Seen something?
invite-text = A closed road, an open day, a heron on the town hall: two paragraphs are enough.
pagination-previous = Newer
pagination-next = Older
pagination = Pages
page-title = All stories, page { $number }
comments = { $count ->
    [one] 1 comment
   *[other] { $count } comments
 }
no-comments = No comments yet
say-something = Say something
your-name = Your name
your-comment = Your comment
text-hint = Plain text. A blank line begins a new paragraph.
post-comment = Post the comment

# The form of a new story
write-intro = It is on the front page the moment you send it. Say what happened, where, and how you know.
story-title = Title
story-body = Story
lead-hint = Plain text. A blank line begins a new paragraph; the first paragraph is shown on the front page.
picture = Picture
picture-hint = If you have one: PNG, JPEG, WebP or GIF, up to 4 MB. Choose it once more if the form comes back.
publish = Publish the story

# What forms and messages say
form-errors = That did not work yet:
picture-strange = The file is not a PNG, JPEG, WebP or GIF picture.
story-published = Your story is published: it is on the front page.
comment-posted = Your comment is posted.
welcome = Welcome, { $name }.
signed-out = You are signed out.

# Signing in
sign-in = Sign in
sign-out = Sign out
comments-of = { $count ->
    [0] You have not commented on anything yet
    [one] Your comment
   *[other] Your { $count } comments
 }
what-is-your-name = What is your name?
name-hint = No password, no account: it stands at the top of each page until you sign out.

# Two pages that show what the cache does
cached-page = A cached page
made = Made
number = Number
cached-text = Load this page again: time and number stay, because the front end remembers the page and does not ask the back end. Another front end that has not seen the page yet makes one of its own.
forget = Forget this page everywhere
forget-text = The button invalidates the page in all front ends at once. So does this command:
uncached-page = An uncached page
the-time = The time
milliseconds = Milliseconds since 1970
uncached-text = Its route in dispatch.conf has a cache type of its own, and so every visit runs the controller:

# Error pages
nothing-here = There is nothing here
nothing-here-text = The address is misspelt, or the page was never written. Everything there is, is among all stories.
not-like-this = That cannot be done here
not-like-this-text = This address takes other kinds of request.
too-large = That is too much at once
too-large-text = A story comes with one picture of up to 4 MB.
our-fault = Something broke on our side
our-fault-text = It is not your doing. Trying again may help; if it does not, the number below lets us find what happened.
back-soon = Back in a moment
back-soon-text = The part of the site that knows this page does not answer just now. Pages that somebody has read lately still work.
cause = Cause
request = Request { $id }
