//! The texts of the built-in error pages in languages other than English.

use http::StatusCode;

/// The texts of one language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Texts {
    /// Its tag.
    pub(super) language: &'static str,
    /// The label before the request id.
    pub(super) request: &'static str,
    /// For each status, the heading and a sentence for the visitor.
    statuses: [(u16, &'static str, &'static str); 7],
    /// The heading and the sentence for other statuses, below 500 and from 500.
    others: [(&'static str, &'static str); 2],
}

impl Texts {
    /// Returns the texts for a language tag of the site, if there are any: those of `de` for `de-CH`.
    pub(super) fn of(tag: &str) -> Option<&'static Texts> {
        let primary = tag.split('-').next().unwrap_or_default();
        ALL.iter().find(|texts| texts.language.eq_ignore_ascii_case(primary))
    }

    /// Returns the heading and the sentence for a status.
    pub(super) fn for_status(&self, status: StatusCode) -> (&'static str, &'static str) {
        let known = self.statuses.iter().find(|(code, ..)| *code == status.as_u16());
        let other = self.others[usize::from(status.is_server_error())];
        known.map_or(other, |(_, heading, sentence)| (heading, sentence))
    }
}

const ALL: [Texts; 6] = [
    Texts {
        language: "de",
        request: "Anfrage",
        statuses: [
            (400, "Ungültige Anfrage", "Diese Anfrage ist nicht zu verstehen."),
            (403, "Kein Zugriff", "Diese Seite dürfen Sie nicht sehen."),
            (404, "Nicht gefunden", "Diese Seite gibt es nicht."),
            (413, "Zu groß", "Das ist mehr, als hier angenommen wird."),
            (
                429,
                "Zu viele Anfragen",
                "Bitte warten Sie etwas, bevor Sie es noch einmal versuchen.",
            ),
            (500, "Interner Fehler", "Bei uns ist etwas schiefgegangen."),
            (503, "Zurzeit nicht erreichbar", "Bitte versuchen Sie es gleich noch einmal."),
        ],
        others: [
            ("Anfrage abgelehnt", "Diese Anfrage wird hier nicht angenommen."),
            ("Fehler", "Bei uns ist etwas schiefgegangen."),
        ],
    },
    Texts {
        language: "es",
        request: "Solicitud",
        statuses: [
            (400, "Solicitud incorrecta", "No se puede entender esta solicitud."),
            (403, "Acceso denegado", "No tiene permiso para ver esta página."),
            (404, "No encontrado", "Esta página no existe."),
            (413, "Demasiado grande", "Es más de lo que se admite aquí."),
            (429, "Demasiadas solicitudes", "Espere un poco antes de volver a intentarlo."),
            (500, "Error interno", "Algo ha fallado por nuestra parte."),
            (503, "No disponible", "Vuelva a intentarlo dentro de un momento."),
        ],
        others: [
            ("Solicitud rechazada", "Esta solicitud no se admite aquí."),
            ("Error", "Algo ha fallado por nuestra parte."),
        ],
    },
    Texts {
        language: "fr",
        request: "Requête",
        statuses: [
            (400, "Requête incorrecte", "Cette requête est incompréhensible."),
            (403, "Accès refusé", "Vous ne pouvez pas voir cette page."),
            (404, "Page introuvable", "Cette page n’existe pas."),
            (413, "Trop volumineux", "C’est plus que ce qui est accepté ici."),
            (429, "Trop de requêtes", "Veuillez patienter avant de réessayer."),
            (500, "Erreur interne", "Une erreur s’est produite de notre côté."),
            (503, "Indisponible", "Veuillez réessayer dans un instant."),
        ],
        others: [
            ("Requête refusée", "Cette requête n’est pas acceptée ici."),
            ("Erreur", "Une erreur s’est produite de notre côté."),
        ],
    },
    Texts {
        language: "it",
        request: "Richiesta",
        statuses: [
            (400, "Richiesta non valida", "Questa richiesta non è comprensibile."),
            (403, "Accesso negato", "Non è possibile vedere questa pagina."),
            (404, "Pagina non trovata", "Questa pagina non esiste."),
            (413, "Troppo grande", "È più di quanto si accetta qui."),
            (429, "Troppe richieste", "Attendere un po’ prima di riprovare."),
            (500, "Errore interno", "Qualcosa è andato storto da parte nostra."),
            (503, "Non disponibile", "Riprovare tra un momento."),
        ],
        others: [
            ("Richiesta rifiutata", "Questa richiesta non è accettata qui."),
            ("Errore", "Qualcosa è andato storto da parte nostra."),
        ],
    },
    Texts {
        language: "nl",
        request: "Verzoek",
        statuses: [
            (400, "Ongeldig verzoek", "Dit verzoek is niet te begrijpen."),
            (403, "Geen toegang", "U mag deze pagina niet bekijken."),
            (404, "Niet gevonden", "Deze pagina bestaat niet."),
            (413, "Te groot", "Dit is meer dan hier wordt aangenomen."),
            (429, "Te veel verzoeken", "Wacht even voordat u het opnieuw probeert."),
            (500, "Interne fout", "Er is bij ons iets misgegaan."),
            (503, "Niet beschikbaar", "Probeer het zo meteen opnieuw."),
        ],
        others: [
            ("Verzoek geweigerd", "Dit verzoek wordt hier niet aangenomen."),
            ("Fout", "Er is bij ons iets misgegaan."),
        ],
    },
    Texts {
        language: "pt",
        request: "Pedido",
        statuses: [
            (400, "Pedido inválido", "Não é possível entender este pedido."),
            (403, "Acesso negado", "Não é permitido ver esta página."),
            (404, "Não encontrado", "Esta página não existe."),
            (413, "Grande demais", "É mais do que se aceita aqui."),
            (429, "Demasiados pedidos", "Aguarde um pouco antes de tentar novamente."),
            (500, "Erro interno", "Algo correu mal do nosso lado."),
            (503, "Indisponível", "Tente novamente dentro de momentos."),
        ],
        others: [
            ("Pedido recusado", "Este pedido não é aceito aqui."),
            ("Erro", "Algo correu mal do nosso lado."),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_texts_for_every_status() {
        let german = Texts::of("DE-ch").unwrap();
        assert_eq!(german.for_status(StatusCode::NOT_FOUND).1, "Diese Seite gibt es nicht.");
        assert_eq!(german.for_status(StatusCode::CONFLICT).0, "Anfrage abgelehnt");
        assert_eq!(german.for_status(StatusCode::BAD_GATEWAY).0, "Fehler");
        assert_eq!(Texts::of("en"), None);
        assert_eq!(Texts::of("dev"), None);
        let codes = |texts: &Texts| texts.statuses.map(|(code, ..)| code);
        assert!(ALL.iter().all(|texts| codes(texts) == codes(german)));
    }
}
