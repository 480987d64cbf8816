# Texte der Komponenten für Formulare und Listen.

form-errors = Bitte sehen Sie noch einmal hin:
form-send = Absenden
pagination = Seiten
pagination-previous = Zurück
pagination-next = Weiter

# Fehler eines Feldes.

form-value-missing = { $type ->
    [checkbox] Bitte setzen Sie hier den Haken.
    [radio] Bitte wählen Sie eins davon aus.
    [select] Bitte wählen Sie eins davon aus.
    [file] Bitte wählen Sie eine Datei aus.
   *[other] Bitte füllen Sie dieses Feld aus.
 }
form-type-mismatch = { $type ->
    [email] Das ist keine E-Mail-Adresse, wie zum Beispiel ana@example.org.
    [url] Das ist keine Webadresse, wie zum Beispiel https://example.org.
    [file] Dateien dieser Art werden hier nicht angenommen.
   *[other] Das hat nicht die verlangte Form.
 }
form-pattern-mismatch = { $title ->
    [none] Das hat nicht die verlangte Form.
   *[other] Das hat nicht die verlangte Form: { $title }.
 }
form-too-long = Bitte höchstens { $max } Zeichen; es sind { $length }.
form-too-short = Bitte mindestens { $min } Zeichen; es sind { $length }.
form-range-underflow = Das muss mindestens { $min } sein.
form-range-overflow = Das darf höchstens { $max } sein.
form-outside-range = Das muss { $min } oder später sein, oder { $max } oder früher.
form-step-mismatch = { $values ->
    [whole] Das muss eine ganze Zahl sein.
    [multiples] Das muss ein Vielfaches von { $step } sein.
    [one] Der nächste Wert, der hier möglich ist, ist { $below }.
   *[two] Die nächsten Werte, die hier möglich sind, sind { $below } und { $above }.
 }
form-bad-input = { $type ->
    [number] Das ist keine Zahl, die hier möglich ist.
    [range] Das ist keine Zahl, die hier möglich ist.
    [date] Das ist kein Datum.
    [time] Das ist keine Uhrzeit.
    [datetime-local] Das ist kein Datum mit Uhrzeit.
    [month] Das ist kein Monat.
    [week] Das ist keine Woche.
    [color] Das ist keine Farbe.
    [select] Das steht nicht zur Auswahl.
    [radio] Das steht nicht zur Auswahl.
    [checkbox] Das steht nicht zur Auswahl.
   *[other] Das ist hier nicht möglich.
 }
form-file-too-large = Bitte wählen Sie eine Datei mit höchstens { $max } Bytes aus.
