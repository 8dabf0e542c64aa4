#include "say/visitor.h"

#include <string.h>

#define OF_STAGE(stage_) (WORD_STAGES + (int)(stage_))

static const char *const words[WORDS][SAY_LANGUAGES] = {
    [WORD_TAG] = {"en", "fr"},
    [WORD_DECIMAL] = {".", ","},

    [WORD_TITLE_CLICK] = {"%s is asleep", "%s est en veille"},
    [WORD_TITLE_WAKING] = {"%s is waking up", "%s se réveille"},
    [WORD_TITLE_BOOTING] = {"%s is starting", "%s démarre"},
    [WORD_TITLE_DEGRADED] = {"%s is almost there", "%s est presque prêt"},
    [WORD_TITLE_SLEEPING] = {"%s was just falling asleep", "%s était en train de s’endormir"},
    [WORD_TITLE_READY] = {"%s is ready", "%s est prêt"},
    [WORD_TITLE_FAILED] = {"%s did not wake up", "%s ne s’est pas réveillé"},
    [WORD_TITLE_REFUSED] = {"No access from here", "Accès refusé depuis cette adresse"},
    [WORD_TITLE_HELD] = {"%s will start a little later", "%s démarrera un peu plus tard"},
    [WORD_TITLE_LIMITED] = {"%s: today’s limit is reached",
                            "%s" NBSP ": la limite du jour est atteinte"},
    [WORD_TITLE_CLOSED] = {"%s is closed now", "%s est fermé pour le moment"},

    [WORD_CLICK] = {"It is switched on only while someone needs it. Start it, and this page takes "
                    "you there as soon "
                    "as it answers.",
                    "Il n’est allumé que lorsque quelqu’un en a besoin. Démarrez‑le" NNBSP
                    "; cette page vous y conduira dès qu’il répondra."},
    [WORD_WAKING] = {"We are sending it the wake-up signal.",
                     "Nous lui envoyons le signal de réveil."},
    [WORD_PACKET_SENT] =
        {"The wake-up signal is out. We are waiting for the server’s first sign of life.",
         "Le signal de réveil est parti. Nous attendons le premier signe de vie du serveur."},
    [WORD_BOOTING] = {"The server answers; its services are starting.",
                      "Le serveur répond" NNBSP "; ses services démarrent."},
    [WORD_FIRST_SIGN] = {"The server is awake; its system is starting.",
                         "Le serveur est réveillé" NNBSP "; son système démarre."},
    [WORD_AGENT_ONLINE] = {"The system is running; its services are starting.",
                           "Le système fonctionne" NNBSP "; ses services démarrent."},
    [WORD_DOCKER_UP] = {"The services are running; the site’s containers are starting.",
                        "Les services fonctionnent" NNBSP "; les conteneurs du site démarrent."},
    [WORD_CONTAINERS] = {"The containers are there; the site is about to answer.",
                         "Les conteneurs sont là" NNBSP
                         "; le site va répondre d’un instant à l’autre."},
    [WORD_ANSWERS] = {"The site answers; a last check is under way.",
                      "Le site répond" NNBSP "; une dernière vérification est en cours."},
    [WORD_DEGRADED] =
        {"The server is running, but this site does not answer yet. We keep checking.",
         "Le serveur fonctionne, mais ce site ne répond pas encore. Nous continuons de vérifier."},
    [WORD_REASON] = {" Reason: %s.", " Motif" NBSP ": %s."},
    [WORD_AILS_DOCKER] = {"The server is running, but Docker is not. We keep checking.",
                          "Le serveur fonctionne, mais pas Docker. Nous continuons de vérifier."},
    [WORD_AILS_AGENT] =
        {"The server is running, but it tells nothing of this site’s containers. We keep checking.",
         "Le serveur fonctionne, mais il ne dit rien des conteneurs de ce site. Nous continuons de "
         "vérifier."},
    [WORD_AILS_MISSING] =
        {"The container %s does not exist on the server. We keep checking.",
         "Le conteneur %s n’existe pas sur le serveur. Nous continuons de vérifier."},
    [WORD_AILS_RESTARTS] = {"The container %s keeps restarting. We keep checking.",
                            "Le conteneur %s redémarre sans cesse. Nous continuons de vérifier."},
    [WORD_AILS_UNHEALTHY] =
        {"The container %s is not well. We keep checking.",
         "Le conteneur %s n’est pas en bonne santé. Nous continuons de vérifier."},
    [WORD_AILS_FAILED] =
        {"The containers of this site could not be started. We keep checking.",
         "Les conteneurs de ce site n’ont pas pu démarrer. Nous continuons de vérifier."},
    [WORD_SLEEPING] = {"It will be woken again right after. There is nothing you need to do.",
                       "Il sera réveillé juste après. Vous n’avez rien à faire."},
    [WORD_READY] = {"The site answers. Taking you there now.",
                    "Le site répond. Nous vous y conduisons."},
    [WORD_FAILED] = {"The server did not become ready in time.",
                     "Le serveur n’a pas été prêt à temps."},
    [WORD_FAILED_NO_SIGN] =
        {"The wake-up signal was sent several times, but the server never answered. It may be "
         "unplugged, or cut off from the network.",
         "Le signal de réveil a été envoyé plusieurs fois, mais le serveur n’a jamais répondu. Il "
         "est peut-être débranché ou coupé du réseau."},
    [WORD_FAILED_NOT_READY] =
        {"The server came up, but the site did not answer in time. One of its services may not "
         "have started.",
         "Le serveur s’est réveillé, mais le site n’a pas répondu à temps. L’un de ses services "
         "n’a peut-être pas démarré."},
    [WORD_FAILED_NO_PACKET] =
        {"The wake-up signal could not be sent: the network it goes out by may be down.",
         "Le signal de réveil n’a pas pu être envoyé" NBSP
         ": le réseau par lequel il part est peut-être en panne."},
    [WORD_FAILED_CANCELLED] = {"The start was called off.", "Le démarrage a été annulé."},
    [WORD_FAILED_DEPENDENCY] = {"Another server that it needs did not start.",
                                "Un autre serveur dont il a besoin n’a pas démarré."},
    [WORD_ADVICE] = {"You can try again; if it fails once more, please tell the person who looks "
                     "after this server.",
                     "Vous pouvez réessayer" NNBSP
                     "; si l’échec se répète, prévenez la personne qui s’occupe de ce serveur."},
    [WORD_REFUSED] = {"Your address, %s, may not open this site. If it should, ask the person who "
                      "looks after it.",
                      "Votre adresse, %s, n’est pas autorisée à ouvrir ce site. Si elle doit "
                      "l’être, adressez-vous à la personne qui s’en occupe."},

    [WORD_HELD_DOWN] = {"It was switched off a moment ago and has to rest before it may be woken "
                        "again. Then it starts by itself; this page waits for it.",
                        "Il vient d’être éteint et doit le rester un moment avant de pouvoir "
                        "être réveillé. Il démarrera ensuite de lui-même" NNBSP
                        "; cette page l’attend."},
    [WORD_HELD_OFTEN] = {"It was started as often as is allowed within an hour. As soon as it may, "
                         "it starts by itself; this page waits for it.",
                         "Il a été démarré autant de fois qu’il est permis en une heure. Dès que "
                         "possible, il démarrera de lui-même" NNBSP "; cette page l’attend."},
    [WORD_CLIENT_WAKES] = {"You have used up your share of starts for today. Should someone else "
                           "start the server before, this page takes you there.",
                           "Vous avez utilisé tous vos démarrages pour aujourd’hui. Si quelqu’un "
                           "d’autre démarre le serveur d’ici là, cette page vous y conduira."},
    [WORD_CLIENT_MINUTES] = {"You have used up your share of time for today.",
                             "Vous avez utilisé tout votre temps pour aujourd’hui."},
    [WORD_PROJECT_WAKES] = {"This project has used up its share of starts for today. Should the "
                            "server be started for another one, this page takes you there.",
                            "Ce projet a utilisé tous ses démarrages pour aujourd’hui. Si le "
                            "serveur démarre pour un autre d’ici là, cette page vous y conduira."},
    [WORD_PROJECT_MINUTES] = {"This project has used up its share of time for today.",
                              "Ce projet a utilisé tout son temps pour aujourd’hui."},
    [WORD_CLOSED] = {"It is open only within its hours of access.",
                     "Il n’est ouvert que pendant ses heures d’accès."},
    [WORD_WHEN_HELD] = {"Next start:", "Prochain démarrage" NBSP ":"},
    [WORD_WHEN_LIMITED] = {"Available again:", "De nouveau possible" NBSP ":"},
    [WORD_WHEN_OPEN] = {"Opens:", "Ouverture" NBSP ":"},

    [WORD_ABOUT_LEFT] = {"About %s left, learned from earlier starts",
                         "Encore %s environ, d’après les démarrages précédents"},
    [WORD_SECONDS_LEFT] = {"Only a few seconds left", "Plus que quelques secondes"},
    [WORD_NO_ESTIMATE] = {"No estimate yet: this is the first start we see",
                          "Pas encore d’estimation" NBSP ": c’est le premier démarrage observé"},
    [WORD_OVERDUE] = {"It takes longer than usual", "C’est plus long que d’habitude"},
    [WORD_OVERDUE_LEFT] = {"It takes longer than usual; we keep trying for another %s",
                           "C’est plus long que d’habitude" NNBSP
                           "; nous essayons encore pendant %s"},
    [WORD_ELAPSED] = {"Elapsed", "Temps écoulé" NBSP ":"},
    [WORD_PROGRESS] = {"Progress", "Progression"},
    [WORD_STAGES_LABEL] = {"Stages", "Étapes"},
    [WORD_ON_SERVER] = {"on the server “%s”", "sur le serveur «" NBSP "%s" NBSP "»"},
    [WORD_START] = {"Start now", "Démarrer maintenant"},
    [WORD_RETRY] = {"Try again", "Réessayer"},
    [WORD_LOST] = {"The connection is lost; trying again…",
                   "Connexion perdue" NNBSP "; nouvelle tentative…"},
    [WORD_FOOTER] = {"This server sleeps while nobody needs it. Once it is awake, this page opens "
                     "the site by itself.",
                     "Ce serveur dort tant que personne n’en a besoin. Dès qu’il est réveillé, "
                     "cette page ouvre le "
                     "site d’elle-même."},
    [WORD_FOOTER_REFUSED] = {"Nothing was started.", "Rien n’a été démarré."},
    [WORD_NOSCRIPT] = {"The page renews itself every few seconds.",
                       "La page s’actualise toutes les quelques secondes."},
    [WORD_SENT] = {"What you sent could not be delivered yet. Leave this page open: your browser "
                   "keeps it, and sends it again as soon as the site is there. Agree if it asks.",
                   "Ce que vous avez envoyé n’a pas encore pu être remis. Laissez cette page "
                   "ouverte" NBSP ": votre navigateur le conserve et l’enverra de nouveau dès que "
                   "le site sera là. Acceptez s’il vous le demande."},

    [WORD_STAGE_AFTER] = {"after %s", "après %s"},
    [WORD_STAGE_AT_ONCE] = {"at once", "aussitôt"},
    [WORD_STAGE_DONE] = {"done", "terminé"},
    [WORD_STAGE_NOW] = {"in progress", "en cours"},
    [WORD_STAGE_TODO] = {"to come", "à venir"},
    [WORD_STAGE_USUALLY] = {"usually after %s", "d’habitude après %s"},
    [WORD_STAGE_PASSED] = {"not seen", "non observé"},
    [WORD_STAGE_MISSED] = {"not reached", "non atteint"},

    [OF_STAGE(STAGE_PACKET_SENT)] = {"Wake-up signal sent", "Signal de réveil envoyé"},
    [OF_STAGE(STAGE_FIRST_SIGN)] = {"Server answers", "Le serveur répond"},
    [OF_STAGE(STAGE_AGENT_ONLINE)] = {"System started", "Système démarré"},
    [OF_STAGE(STAGE_DOCKER_UP)] = {"Docker is running", "Docker est actif"},
    [OF_STAGE(STAGE_CONTAINER_PRESENT)] = {"Containers present", "Conteneurs présents"},
    [OF_STAGE(STAGE_CONTAINER_HEALTHY)] = {"Containers healthy", "Conteneurs opérationnels"},
    [OF_STAGE(STAGE_SITE_ANSWERS)] = {"Site answers", "Le site répond"},
};

const char *visitor_word(enum word word, enum say_language language)
{
    return word == WORDS ? NULL : words[word][language];
}

void visitor_say(enum word word, enum say_language language, const char *filling, struct buf *out)
{
    const char *sentence = words[word][language], *hole = strstr(sentence, "%s");

    buf_add(out, sentence, hole ? (size_t)(hole - sentence) : strlen(sentence));
    if (hole) {
        buf_puts(out, filling);
        buf_puts(out, hole + 2);
    }
}
