# Die Texte der Site.

site = Potluck
motto = Rezepte, die alle mitbringen
description = Rezepte, die alle mitbringen.
skip = Zum Inhalt
navigation = Seiten
recipes = Rezepte
bring-one = Mitbringen
colophon = Eine Site mit Headwater.
as-json = Die Rezepte als JSON
language = Sprache

# Listen
newest-recipes = Die neuesten Rezepte
recipes-by = Rezepte von { $author }
page-number = Seite { $number }
place = { $first }–{ $last } von { $total }
no-recipe = Noch kein Rezept.
first-recipe = Bringen Sie das erste mit.
pagination-previous = Neuere
pagination-next = Ältere
all-tags = Schlagwörter

# Ein Rezept
by = von
edit = Ändern
kept-by = Gemerkt von { $count }
keepers = { $count ->
    [one] Leser merkt es sich
   *[other] Leser merken es sich
 }
kept-by-none = Noch von niemandem gemerkt
keep = Merken
comments = { $count ->
    [one] 1 Kommentar
   *[other] { $count } Kommentare
 }
no-comments = Noch keine Kommentare
cooked = Haben Sie es gekocht?
post-comment = Abschicken

# Formulare
bring-recipe = Ein Rezept mitbringen
edit-recipe = Ein Rezept ändern
editing = { $title } ändern
title = Überschrift
recipe = Rezept
recipe-hint = Eine Leerzeile beginnt einen Absatz. Zeilen, die mit „- “ beginnen, sind Zutaten.
tags = Schlagwörter
tags-hint = Mit Kommas: Suppe, ein Topf, Winter.
picture = Bild
picture-hint = Wenn Sie eins haben: PNG, JPEG, WebP oder GIF, bis 4 MB.
your-name = Ihr Name
your-comment = Ihr Kommentar
publish = Veröffentlichen
save = Speichern
delete-warning = Die Kommentare verschwinden mit.
delete = Dieses Rezept löschen
form-pattern-mismatch = Ein Name beginnt mit einem Buchstaben oder einer Ziffer und enthält keinen Schrägstrich.

# Besucher
sign-in = Anmelden
sign-in-text = Dann fragt niemand mehr nach Ihrem Namen. Er steht bei dem, was Sie mitbringen und sagen.
sign-out = Abmelden
welcome = Willkommen, { $author }.
signed-out = Sie sind abgemeldet.

# Fehler
not-found = In diesem Regal steht nichts
not-found-text = Vielleicht wurde es weggeräumt, oder es war nie hier.
our-fault = Das ist angebrannt
our-fault-text = Es liegt an uns. Bitte versuchen Sie es später noch einmal.
closed = Die Küche ist für einen Moment geschlossen
closed-text = Bitte versuchen Sie es in einer Minute noch einmal.
to-recipes = Zu den Rezepten
request = Anfrage { $id }
