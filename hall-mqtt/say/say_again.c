/* Sentences of documents that others wrote, said anew for whoever reads them. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "say/say.h"

enum { KEY_SIZE = 64 };

#define NBSP "\u00a0" /* before a French colon */

static const struct words {
    const char *name, *said[SAY_LANGUAGES];
} words[] = {
    {"stage", {"stage reached", "étape atteinte"}},
    {"wake_requested", {"wake requested", "réveil demandé"}},
    {"packet_sent", {"packet sent", "paquet envoyé"}},
    {"ready", {"ready", "prêt"}},
    {"wake_failed", {"wake failed", "réveil échoué"}},
    {"sleep_requested", {"sleep requested", "mise en veille demandée"}},
    {"sleep_refused", {"sleep refused", "mise en veille refusée"}},
    {"asleep", {"asleep", "en veille"}},
    {"sleep_failed", {"sleep failed", "mise en veille échouée"}},
    {"unreachable", {"unreachable", "injoignable"}},
    {"back", {"back", "de retour"}},
    {"policy_changed", {"policy changed", "politique modifiée"}},
    {"hold", {"hold", "maintien posé"}},
    {"release", {"release", "maintien levé"}},
    {"command_refused", {"command refused", "commande refusée"}},
    {"access_refused", {"access refused", "accès refusé"}},
    {"login", {"login", "connexion"}},
    {"login_failed", {"login failed", "connexion refusée"}},
    {"config_loaded", {"config loaded", "configuration chargée"}},
    {"config_rejected", {"config rejected", "configuration rejetée"}},
    {"store_problem", {"store problem", "problème de stockage"}},
    {"event", {"event", "événement"}},
};

/* What comes next. */
static const struct words coming[] = {
    {"ready", {"ready", "prêt"}},
    {"wake_deadline", {"wake_deadline", "fin de l’attente du réveil"}},
    {"sleep_deadline", {"sleep_deadline", "fin de l’attente de la mise en veille"}},
    {"sleep", {"sleep", "mise en veille"}},
    {"wake_retry", {"wake_retry", "nouvel essai de réveil"}},
    {"schedule", {"schedule", "planning"}},
    {"guard_end", {"guard_end", "fin de la garde"}},
};

static const struct words stages[] = {
    {"packet_sent", {"the magic packet is sent", "le paquet magique est envoyé"}},
    {"first_sign", {"the server answers", "le serveur répond"}},
    {"agent_online", {"its agent is online", "son agent est en ligne"}},
    {"docker_up", {"Docker is up", "Docker fonctionne"}},
    {"container_present", {"the containers are there", "les conteneurs sont présents"}},
    {"container_healthy", {"the containers are healthy", "les conteneurs sont en bon état"}},
    {"site_answers", {"the site answers", "le site répond"}},
};

/* One that a newer Hall speaks of is shown as it is. */
static const char *find(const struct words *table, size_t n, const char *name,
                        enum say_language language)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].said[language];
    return name;
}

bool say_again(const struct json *fact, const char *sentence, struct say_how how, struct buf *out)
{
    struct told told;
    const bool is_told = say_read_fact(fact, &told) == 0;

    if (is_told)
        say_sentence(&told, how, out);
    else
        buf_puts(out, sentence ? sentence : "");
    return is_told || (sentence && sentence[0]);
}

bool say_member(const struct json *object, const char *key, struct say_how how, struct buf *out)
{
    char fact[KEY_SIZE];

    snprintf(fact, sizeof(fact), "%s_fact", key);
    return say_again(json_get(object, fact), json_get_string(object, key), how, out);
}

void say_event(const struct json *event, struct say_how how, struct buf *out)
{
    const char *type = json_get_string(event, "event_type");
    const char *stage = json_get_string(event, "stage");
    struct buf detail = BUF_INIT(SAY_SENTENCE_MAX);

    type = type ? type : json_get_string(event, "type");
    if (stage) {
        buf_puts(out, find(stages, ARRAY_SIZE(stages), stage, how.language));
        return;
    }
    buf_puts(out, find(words, ARRAY_SIZE(words), type ? type : "event", how.language));
    if (say_member(event, "detail", how, &detail))
        buf_printf(out, "%s: %s", how.language == SAY_FRENCH ? NBSP : "", buf_text(&detail));
    buf_finish(&detail);
}

const char *say_coming(const char *what, enum say_language language)
{
    return find(coming, ARRAY_SIZE(coming), what, language);
}

const char *const *say_days(enum say_language language)
{
    static const char *const french[] = {"dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."};

    return language == SAY_FRENCH ? french : NULL;
}
