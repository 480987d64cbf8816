# The texts of the site.

site = Potluck
motto = Recipes that everybody brings
description = Recipes that everybody brings.
skip = To the content
navigation = Pages
recipes = Recipes
bring-one = Bring one
colophon = A site made with Headwater.
as-json = The recipes as JSON
language = Language

# Lists
newest-recipes = The newest recipes
recipes-by = Recipes by { $author }
page-number = Page { $number }
place = { $first }–{ $last } of { $total }
no-recipe = No recipe yet.
first-recipe = Bring the first one.
pagination-previous = Newer
pagination-next = Older
all-tags = Tags

# A recipe
by = by
edit = Edit
kept-by = Kept by { $count }
keepers = { $count ->
    [one] reader keeps it
   *[other] readers keep it
 }
kept-by-none = Nobody keeps it yet
keep = Keep it
comments = { $count ->
    [one] 1 comment
   *[other] { $count } comments
 }
no-comments = No comments yet
cooked = Have you cooked it?
post-comment = Post it

# Forms
bring-recipe = Bring a recipe
edit-recipe = Edit a recipe
editing = Edit { $title }
title = Title
recipe = Recipe
recipe-hint = An empty line begins a paragraph. Lines that begin with “- ” are ingredients.
tags = Tags
tags-hint = With commas: soup, one pot, winter.
picture = Picture
picture-hint = If you have one: PNG, JPEG, WebP or GIF, up to 4 MB.
your-name = Your name
your-comment = Your comment
publish = Publish
save = Save
delete-warning = Its comments go with it.
delete = Delete this recipe
form-pattern-mismatch = A name begins with a letter or a digit and has no slash in it.

# Visitors
sign-in = Sign in
sign-in-text = Then nobody asks for your name again. It stands beside what you bring and say.
sign-out = Sign out
welcome = Welcome, { $author }.
signed-out = You have signed out.

# Errors
not-found = There is nothing on this shelf
not-found-text = It may have been cleared away, or never been here.
our-fault = This one is burnt
our-fault-text = It is our fault. Please try again later.
closed = The kitchen is closed for a moment
closed-text = Please try again in a minute.
to-recipes = To the recipes
request = Request { $id }
