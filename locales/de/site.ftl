# Was die Oberfläche sagt.

description = Nachrichten aus Alderwick am Wend, geschrieben von denen, die hier wohnen.
site = The Weir: Neues aus Alderwick
motto = Neues aus Alderwick, von seinen Leuten
skip = Zum Inhalt
navigation = Seiten
newest = Neues
all-stories = Alle Berichte
questions = Fragen
write = Bericht schreiben
write-short = Schreiben
latest = Gerade eben:
colophon = The Weir wird von seinen Lesern geschrieben und gehört niemandem im Besonderen.
behind = Hinter der Seite
as-json = Berichte als JSON
language = Sprache

# Berichte und Kommentare
newest-stories = Neueste Berichte
no-stories = Noch ist nichts geschehen.
invite = Etwas gesehen?
invite-text = Eine gesperrte Straße, ein offenes Tor, ein Reiher auf dem Rathaus: zwei Absätze genügen.
pagination-previous = Neuere
pagination-next = Ältere
pagination = Seiten
page-title = Alle Berichte, Seite { $number }
comments = { $count ->
    [one] 1 Kommentar
   *[other] { $count } Kommentare
 }
no-comments = Noch keine Kommentare
say-something = Etwas dazu sagen
your-name = Ihr Name
your-comment = Ihr Kommentar
text-hint = Einfacher Text. Eine Leerzeile beginnt einen neuen Absatz.
post-comment = Kommentar abschicken

# Das Formular für einen Bericht
write-intro = Ihr Bericht steht auf der ersten Seite, sobald Sie ihn abschicken. Sagen Sie, was geschehen ist, wo, und woher Sie es wissen.
story-title = Überschrift
story-body = Bericht
lead-hint = Einfacher Text. Eine Leerzeile beginnt einen neuen Absatz; der erste steht auf der ersten Seite.
picture = Bild
picture-hint = Wenn Sie eins haben: PNG, JPEG, WebP oder GIF, bis 4 MB. Wenn das Formular zurückkommt, wählen Sie es bitte noch einmal aus.
publish = Bericht veröffentlichen

# Was Formulare und Meldungen sagen
form-errors = Das hat noch nicht geklappt:
picture-strange = Die Datei ist kein Bild in PNG, JPEG, WebP oder GIF.
story-published = Ihr Bericht ist da: Er steht auf der ersten Seite.
comment-posted = Ihr Kommentar ist da.
welcome = Willkommen, { $name }.
signed-out = Sie sind abgemeldet.

# Anmelden
sign-in = Anmelden
sign-out = Abmelden
comments-of = { $count ->
    [0] Sie haben noch nichts kommentiert
    [one] Ihr Kommentar
   *[other] Ihre { $count } Kommentare
 }
what-is-your-name = Wie heißen Sie?
name-hint = Kein Passwort, kein Konto: Der Name steht oben auf jeder Seite, bis Sie sich abmelden.

# Zwei Seiten, die zeigen, was der Cache tut
cached-page = Eine Seite aus dem Cache
made = Entstanden
number = Nummer
cached-text = Laden Sie die Seite noch einmal: Zeit und Nummer bleiben, weil das Frontend sich die Seite merkt und das Backend nicht fragt. Ein anderes Frontend, das die Seite noch nicht kennt, macht seine eigene.
forget = Diese Seite überall vergessen
forget-text = Der Knopf macht die Seite in allen Frontends zugleich ungültig. Das kann auch dieser Befehl:
uncached-page = Eine Seite ohne Cache
the-time = Die Zeit
milliseconds = Millisekunden seit 1970
uncached-text = Ihre Route in dispatch.conf hat einen eigenen Cache-Typ, deshalb läuft der Controller bei jedem Besuch:

# Fehlerseiten
nothing-here = Hier ist nichts
nothing-here-text = Die Adresse ist verschrieben, oder die Seite gab es nie. Was es gibt, steht unter allen Berichten.
not-like-this = Das geht hier nicht
not-like-this-text = Diese Adresse nimmt andere Arten von Anfragen an.
too-large = Das ist zu viel auf einmal
too-large-text = Zu einem Bericht gehört ein Bild mit bis zu 4 MB.
our-fault = Bei uns ist etwas kaputtgegangen
our-fault-text = Es liegt nicht an Ihnen. Vielleicht hilft ein zweiter Versuch; wenn nicht, finden wir mit der Nummer unten, was geschehen ist.
back-soon = Gleich wieder da
back-soon-text = Der Teil der Site, der diese Seite kennt, antwortet gerade nicht. Seiten, die vor Kurzem jemand gelesen hat, gehen noch.
cause = Ursache
request = Anfrage { $id }
