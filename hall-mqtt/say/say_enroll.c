#include "say/say_enroll.h"

#include "base/holes.h"

#define NBSP  "\u00a0"
#define NNBSP "\u202f"

/* {1} is the first parameter. */
static const struct {
    const char *name;
    const char *texts[SAY_LANGUAGES];
} rows[ENROLL_WORDS] = {
    [ENROLL_PASTE] = {"enroll.paste",
                      {"Paste this line on {1}, as root or as a user who may use sudo. It works "
                       "once, within {2} min:",
                       "Collez cette ligne sur {1}, en tant que root ou avec un compte qui peut "
                       "utiliser sudo. Elle sert une seule fois, dans les {2} min" NBSP ":"}},
    [ENROLL_PRINTED] =
        {"enroll.printed",
         {"{1} is written. It holds a password: carry it to {2}, run it there with "
          "sudo sh {1}, and delete it on both machines.",
          "{1} est écrit. Il contient un mot de passe" NBSP
          ": copiez-le sur {2}, lancez-le là-bas avec sudo sh {1}, puis supprimez-le "
          "sur les deux machines."}},
    [ENROLL_FETCHED] = {"enroll.fetched", {"{1}: fetched by {2}", "{1}" NBSP ": récupéré par {2}"}},
    [ENROLL_ELSEWHERE] =
        {"enroll.elsewhere",
         {"warning: {1} is not the address of {2} in the configuration ({3}). If that was not your "
          "server, press Ctrl-C and run hallctl enroll {2} again: what was fetched is then "
          "worth nothing.",
          "attention" NBSP ": {1} n’est pas l’adresse de {2} dans la configuration ({3}). Si ce "
          "n’était pas votre serveur, faites Ctrl-C et relancez hallctl enroll {2}" NBSP
          ": ce qui a été récupéré ne vaudra plus rien."}},
    [ENROLL_USED] = {"enroll.used",
                     {"warning: {1} tried to fetch a second time; refused",
                      "attention" NBSP ": {1} a tenté de récupérer une deuxième fois" NNBSP
                      "; refusé"}},
    [ENROLL_WRONG] = {"enroll.wrong",
                      {"warning: {1} came with a wrong token; refused",
                       "attention" NBSP ": {1} s’est présenté avec un mauvais jeton" NNBSP
                       "; refusé"}},
    [ENROLL_REGISTERED] = {"enroll.registered",
                           {"{1}: installed; its password at the broker is set",
                            "{1}" NBSP ": installé" NNBSP
                            "; son mot de passe auprès du broker est en place"}},
    [ENROLL_ONLINE] = {"enroll.online",
                       {"{1}: its agent is online", "{1}" NBSP ": son agent est en ligne"}},
    [ENROLL_RELAY_ONLINE] = {"enroll.relay_online",
                             {"{1}: the relay is online", "{1}" NBSP ": le relais est en ligne"}},
    [ENROLL_NOBODY] = {"enroll.nobody",
                       {"{1}: nobody fetched it within {2} min; the line is void",
                        "{1}" NBSP ": personne ne l’a récupéré en {2} min" NNBSP
                        "; la ligne n’est plus valable"}},
    [ENROLL_UNFINISHED] =
        {"enroll.unfinished",
         {"{1}: fetched, but not installed; what the line said on {1} tells why. Then run hallctl "
          "enroll {2} again.",
          "{1}" NBSP ": récupéré, mais pas installé" NNBSP
          "; ce que la ligne a affiché sur {1} dit "
          "pourquoi. Relancez ensuite hallctl enroll {2}."}},
    [ENROLL_OFFLINE] = {"enroll.offline",
                        {"{1}: {3} did not connect within {2} s. On {1}, see: journalctl -u {3}",
                         "{1}" NBSP ": {3} ne s’est pas connecté en {2}" NNBSP
                         "s. Sur {1}, voyez" NBSP ": journalctl -u {3}"}},
    [ENROLL_STOPPED] = {"enroll.stopped",
                        {"stopped; the line is void",
                         "arrêté" NNBSP "; la ligne n’est plus valable"}},
};

const char *say_enroll_name(enum enroll_word word)
{
    return rows[word].name;
}

static const char *value_of(const void *of, const char *name, size_t length)
{
    const char *const *params = of;
    const int place = length == 1 ? name[0] - '1' : -1;

    return place >= 0 && place < ENROLL_PARAMS ? params[place] : NULL;
}

static enum hole find_value(const void *of, const char *name, size_t length)
{
    return value_of(of, name, length) ? HOLE_FILLED : HOLE_NONE;
}

static void put_value(const void *of, const char *name, size_t length, struct buf *out)
{
    buf_puts(out, value_of(of, name, length));
}

void say_enroll(enum enroll_word word, enum say_language language,
                const char *const params[ENROLL_PARAMS], struct buf *out)
{
    const struct holes holes = {.of = params, .find = find_value, .put = put_value};

    holes_fill(&holes, rows[word].texts[language], out);
}
