#include "say/say_table.h"

#include <string.h>

#include "base/array.h"
#include "core/fleet.h"

#define NBSP  "\u00a0" /* before a French colon, within quotation marks */
#define NNBSP "\u202f" /* before a French semicolon, and a unit */

/* Parameters that many rows have. */
#define SERVER                                                                                     \
    {                                                                                              \
        "server", PARAM_SERVER, 0                                                                  \
    }
#define SITE                                                                                       \
    {                                                                                              \
        "site", PARAM_SITE, 0                                                                      \
    }
#define DOMAIN                                                                                     \
    {                                                                                              \
        "domain", PARAM_DOMAIN, 0                                                                  \
    }
#define BY                                                                                         \
    {                                                                                              \
        "by", PARAM_TEXT, 0                                                                        \
    }
#define UNTIL                                                                                      \
    {                                                                                              \
        "until", PARAM_CLOCK, 1                                                                    \
    }
#define CAUSE                                                                                      \
    {                                                                                              \
        "cause", PARAM_CAUSE, 0                                                                    \
    }
#define STAGE                                                                                      \
    {                                                                                              \
        "stage", PARAM_STAGE, 0                                                                    \
    }
#define GUARD                                                                                      \
    {                                                                                              \
        "guard", PARAM_GUARD, 0                                                                    \
    }
#define STATE                                                                                      \
    {                                                                                              \
        "state", PARAM_STATE, 0                                                                    \
    }
#define SECONDS                                                                                    \
    {                                                                                              \
        "seconds", PARAM_SECONDS, 0                                                                \
    }
#define TEXT(name_)                                                                                \
    {                                                                                              \
        name_, PARAM_TEXT, 0                                                                       \
    }
#define SECOND(name_)                                                                              \
    {                                                                                              \
        name_, PARAM_TEXT, 1                                                                       \
    }
#define NUMBER(name_, place_)                                                                      \
    {                                                                                              \
        name_, PARAM_NUMBER, place_                                                                \
    }
#define CHECK                                                                                      \
    {"check", PARAM_CHECK, 0},                                                                     \
    {                                                                                              \
        "about", PARAM_ABOUT, 0                                                                    \
    }

#define EN_UNTIL  "[ (until {until})]"
#define FR_UNTIL  "[ (jusqu’à {until})]"
#define EN_CHECK  "[{check}[ {about}]: ]"
#define FR_CHECK  "[{check}[ {about}]" NBSP ": ]"
#define EN_FAILED "not ready after {seconds} s, last stage reached: {stage}; "
#define FR_FAILED                                                                                  \
    "pas prêt au bout de {seconds}" NNBSP "s, dernière étape atteinte" NBSP ": {stage}" NNBSP "; "

const struct say_row say_rows[FACTS] = {
    [FACT_SAID] = {"said", {TEXT("said")}, {"{said}", "{said}"}},

    [FACT_HALL_STARTED] = {"hall.started",
                           {{0}},
                           {"Hall has just started", "Hall vient de démarrer"}},
    [FACT_HALL_RESUMED] = {"hall.resumed",
                           {{0}},
                           {"goes on after a restart", "reprise après un redémarrage de Hall"}},
    [FACT_SEEN_SIGN] = {"seen.sign",
                        {{0}},
                        {"it shows signs of life", "il donne des signes de vie"}},
    [FACT_SEEN_PASS] = {"seen.pass",
                        {{0}},
                        {"all required checks pass", "tous les contrôles requis sont bons"}},
    [FACT_SEEN_FAIL] = {"seen.fail",
                        {{0}},
                        {"a required check fails", "un contrôle requis échoue"}},
    [FACT_SEEN_SILENT] = {"seen.silent", {{0}}, {"no sign of life", "aucun signe de vie"}},
    [FACT_SEEN_NOTHING] = {"seen.nothing",
                           {{0}},
                           {"nothing was seen of it since Hall started",
                            "rien n’a été vu de lui depuis le démarrage de Hall"}},
    [FACT_SEEN_READY] = {"seen.ready",
                         {{0}},
                         {"ready; Hall had not woken it",
                          "prêt" NNBSP "; Hall ne l’avait pas réveillé"}},
    [FACT_SEEN_SIGN_AGAIN] = {"seen.sign_again",
                              {{0}},
                              {"it shows signs of life again",
                               "il donne de nouveau des signes de vie"}},
    [FACT_SEEN_PASS_AGAIN] = {"seen.pass_again",
                              {{0}},
                              {"all its checks pass again",
                               "tous ses contrôles sont de nouveau bons"}},
    [FACT_SEEN_CRASH] = {"seen.crash",
                         {{0}},
                         {"it was up and fell silent without a goodbye: crash, cable or power cut",
                          "il fonctionnait et s’est tu sans prévenir" NBSP
                          ": plantage, câble ou coupure de courant"}},
    [FACT_SEEN_ECHOES] = {"seen.echoes",
                          {{0}},
                          {"only its network card answers echoes, and it said no goodbye: it "
                           "sleeps, or nothing on it answers",
                           "seule sa carte réseau répond aux pings, et il n’a pas prévenu" NBSP
                           ": il dort, ou plus rien n’y répond"}},
    [FACT_ADDRESS_TAKEN] = {"address.taken",
                            {TEXT("mac")},
                            {"another machine ({mac}) answers on its address",
                             "une autre machine ({mac}) répond à son adresse"}},
    [FACT_ADDRESS_SHARED] = {"address.shared",
                             {TEXT("address"), SECOND("macs")},
                             {"two machines answer at {address}: {macs}; give one of them another "
                              "address, or list both in macs if they are its own",
                              "deux machines répondent à l’adresse {address}" NBSP ": {macs}" NNBSP
                              "; donnez une autre adresse à l’une d’elles, ou "
                              "indiquez les deux dans macs si ce sont les siennes"}},
    [FACT_ADDRESS_MOVED] = {"address.moved",
                            {TEXT("address")},
                            {"its MAC answers at {address}: correct its address in the "
                             "configuration, or reserve the old one for it in the DHCP server",
                             "son adresse MAC répond à {address}" NBSP
                             ": corrigez son adresse dans la configuration, ou réservez-lui "
                             "l’ancienne dans le serveur DHCP"}},
    [FACT_AGENT_SAID] = {"agent.said", {TEXT("said")}, {"{said}", "{said}"}},
    [FACT_AGENT_GOODBYE] = {"agent.goodbye",
                            {{0}},
                            {"its agent said goodbye", "son agent a annoncé son départ"}},
    [FACT_AGENT_BACK] = {"agent.back", {{0}}, {"its agent is back", "son agent est de retour"}},
    [FACT_AGENT_SCHEMA] = {"agent.schema",
                           {NUMBER("schema", 0), NUMBER("known", 1)},
                           {"its agent speaks schema {schema}, this Hall knows {known}: what it "
                            "reports is not used; update the older of the two",
                            "son agent parle le schéma {schema}, ce Hall connaît le {known}" NBSP
                            ": ce qu’il rapporte n’est pas utilisé" NNBSP
                            "; mettez à jour le plus ancien des deux"}},
    [FACT_CLOCK_SCHEDULE] = {"clock.schedule",
                             {{0}},
                             {"its hours wait: what time it is is not known on Hall's machine (see "
                              "hall/info)",
                              "ses horaires attendent" NBSP
                              ": l’heure n’est pas connue sur la machine de Hall (voir "
                              "hall/info)"}},
    [FACT_WOL_ROUSED] =
        {"wol.roused",
         {NUMBER("times", 0), TEXT("letters")},
         {"it woke {times} times in a row soon after it went to sleep, and Hall had not woken it: "
          "Hall's own checks may wake it[, as its network card wakes by more than magic packets "
          "(Wake-on: {letters})]; allow wol in its agent's file with magic_packet_only, or run "
          "ethtool -s with wol g on it. Hall does not ask it anything while it sleeps, and puts "
          "it to sleep less often",
          "il s’est réveillé {times} fois de suite peu après sa mise en veille, sans que Hall "
          "l’ait réveillé" NBSP ": les contrôles de Hall le réveillent peut-être[, car sa carte "
          "réseau se réveille par d’autres paquets que les paquets magiques (Wake-on" NBSP
          ": {letters})]" NNBSP "; autorisez wol dans le fichier de son agent avec "
          "magic_packet_only, ou lancez-y ethtool -s avec wol g. Hall ne lui demande rien "
          "pendant qu’il dort, et le met en veille moins souvent"}},
    [FACT_WOL_OFF] =
        {"wol.off",
         {TEXT("interface")},
         {"Wake-on-LAN is off on its network card[ {interface}], and no wake has "
          "succeeded yet: it is not put to sleep; run ethtool -s [{interface} ]wol g "
          "on it, and check its firmware",
          "Wake-on-LAN est désactivé sur sa carte réseau[ {interface}], et aucun "
          "réveil n’a encore réussi" NBSP ": il n’est pas mis en veille" NNBSP
          "; exécutez-y ethtool -s [{interface} ]wol g et vérifiez son micrologiciel"}},

    [FACT_LEASE_VISIT] = {"lease.visit",
                          {SITE, {"visited", PARAM_AGO, 0}, UNTIL},
                          {"{site} was visited[ {visited}]" EN_UNTIL,
                           "{site} a été visité[ {visited}]" FR_UNTIL}},
    [FACT_LEASE_SCHEDULE] = {"lease.schedule",
                             {DOMAIN, UNTIL},
                             {"the schedule of {domain} wants it on" EN_UNTIL,
                              "le planning de {domain} le veut allumé" FR_UNTIL}},
    [FACT_LEASE_ALWAYS_ON] = {"lease.always_on",
                              {DOMAIN, UNTIL},
                              {"{domain} is always on" EN_UNTIL,
                               "{domain} est toujours allumé" FR_UNTIL}},
    [FACT_LEASE_ALWAYS_ON_SERVER] = {"lease.always_on_server",
                                     {SERVER, UNTIL},
                                     {"{server} is always on" EN_UNTIL,
                                      "{server} est toujours allumé" FR_UNTIL}},
    [FACT_LEASE_MANUAL] = {"lease.manual",
                           {BY, UNTIL},
                           {"{by} woke it" EN_UNTIL, "{by} l’a réveillé" FR_UNTIL}},
    [FACT_LEASE_FOUND_UP] = {"lease.found_up",
                             {UNTIL},
                             {"it was up when Hall started" EN_UNTIL,
                              "il était déjà allumé au démarrage de Hall" FR_UNTIL}},
    [FACT_LEASE_FOUND_AWAKE] =
        {"lease.found_awake",
         {UNTIL},
         {"it was found awake, woken by someone else" EN_UNTIL,
          "il a été trouvé allumé, réveillé par quelqu’un d’autre" FR_UNTIL}},
    [FACT_LEASE_HOLD] = {"lease.hold",
                         {TEXT("name"), SECOND("reason"), UNTIL},
                         {"{name} holds it[: {reason}]" EN_UNTIL,
                          "{name} le maintient[" NBSP ": {reason}]" FR_UNTIL}},
    [FACT_LEASE_AGENT] = {"lease.agent",
                          {CAUSE, UNTIL},
                          {"its agent reports {cause}" EN_UNTIL,
                           "son agent signale {cause}" FR_UNTIL}},
    [FACT_LEASE_DEPENDENT] = {"lease.dependent",
                              {SERVER, UNTIL},
                              {"{server} needs it" EN_UNTIL, "{server} en a besoin" FR_UNTIL}},
    [FACT_LEASE_STREAM] = {"lease.stream",
                           {SITE, CAUSE, UNTIL},
                           {"{site} is in use[: {cause}]" EN_UNTIL,
                            "{site} est utilisé[" NBSP ": {cause}]" FR_UNTIL}},
    [FACT_STREAM_MOVING] = {"stream.moving",
                            {{"stream", PARAM_STREAM, 0}, TEXT("from"), {"bytes", PARAM_BYTES, 0}},
                            {"{stream}[ from {from}], {bytes} in the last minute",
                             "{stream}[ depuis {from}], {bytes} dans la dernière minute"}},
    [FACT_STREAM_SEVERAL] = {"stream.several",
                             {{"stream", PARAM_STREAM, 0}, {"bytes", PARAM_BYTES, 0}},
                             {"{stream} from several visitors, {bytes} in the last minute",
                              "{stream} depuis plusieurs visiteurs, {bytes} dans la dernière "
                              "minute"}},
    [FACT_STREAM_SILENT] = {"stream.silent",
                            {{"stream", PARAM_STREAM, 0}, TEXT("from"), {"silent", PARAM_QUIET, 0}},
                            {"{stream}[ from {from}], silent for {silent}",
                             "{stream}[ depuis {from}], sans échange depuis {silent}"}},

    [FACT_WAKE_REQUESTED] = {"wake.requested",
                             {{0}},
                             {"a wake was requested", "un réveil a été demandé"}},
    [FACT_WAKE_VISIT] = {"wake.visit", {SITE}, {"visit of {site}", "visite de {site}"}},
    [FACT_WAKE_COMMAND] = {"wake.command",
                           {BY},
                           {"wake command by {by}", "commande de réveil de {by}"}},
    [FACT_WAKE_START] = {"wake.start",
                         {SITE, BY},
                         {"start of {site} by {by}", "démarrage de {site} par {by}"}},
    [FACT_WAKE_RESTART] = {"wake.restart", {{0}}, {"restart", "redémarrage"}},
    [FACT_WAKE_MANUAL] = {"wake.manual", {BY}, {"manual of {by}", "réveil manuel de {by}"}},
    [FACT_WAKE_HOLD] = {"wake.hold", {TEXT("name")}, {"hold of {name}", "maintien de {name}"}},
    [FACT_WAKE_SCHEDULE] = {"wake.schedule",
                            {DOMAIN},
                            {"schedule of {domain}", "planning de {domain}"}},
    [FACT_WAKE_ALWAYS_ON] = {"wake.always_on",
                             {DOMAIN},
                             {"always_on of {domain}", "{domain} doit toujours être allumé"}},
    [FACT_WAKE_ALWAYS_ON_SERVER] = {"wake.always_on_server",
                                    {SERVER},
                                    {"always_on of {server}",
                                     "{server} doit toujours être allumé"}},
    [FACT_WAKE_AGENT] = {"wake.agent",
                         {TEXT("veto")},
                         {"agent[ of {veto}]", "usage signalé par son agent[ ({veto})]"}},
    [FACT_WAKE_STREAM] = {"wake.stream",
                          {SITE},
                          {"stream of {site}", "connexion active de {site}"}},
    [FACT_WAKE_DEPENDENT] = {"wake.dependent",
                             {SERVER},
                             {"{server} needs it", "{server} en a besoin"}},

    [FACT_WAKE_QUEUED] = {"wake.queued",
                          {CAUSE},
                          {"[{cause}; ]it is falling asleep and will be woken right after",
                           "[{cause}" NNBSP "; ]il s’endort et sera réveillé juste après"}},
    [FACT_WAKE_WAITS_FOR] = {"wake.waits_for",
                             {SERVER, CAUSE},
                             {"[{cause}; ]waits for {server}, which it needs",
                              "[{cause}" NNBSP "; ]attend {server}, dont il a besoin"}},
    [FACT_WAKE_WAITS_TURN] = {"wake.waits_turn",
                              {SERVER, {"group", PARAM_GROUP, 0}, CAUSE},
                              {"[{cause}; ]waits for its turn: {server} starts on the same "
                               "circuit[ ({group})]",
                               "[{cause}" NNBSP "; ]attend son tour" NBSP
                               ": {server} démarre sur le même circuit[ ({group})]"}},
    [FACT_WAKE_PACKET] = {"wake.packet",
                          {NUMBER("number", 0)},
                          {"magic packet {number}", "paquet magique n°" NBSP "{number}"}},
    [FACT_WAKE_PACKET_FAILED] = {"wake.packet_failed",
                                 {TEXT("said"), CAUSE},
                                 {"a magic packet could not be sent[: {said}][: {cause}]",
                                  "un paquet magique n’a pas pu être envoyé[" NBSP ": {said}][" NBSP
                                  ": {cause}]"}},
    [FACT_WOL_NO_INTERFACE] = {"wol.no_interface",
                               {TEXT("interface")},
                               {"there is no network interface {interface}; correct "
                                "wake.interface (ip link shows the names)",
                                "il n’y a pas d’interface réseau {interface}" NNBSP
                                "; corrigez wake.interface (ip link montre les noms)"}},
    [FACT_WOL_SEND_FAILED] = {"wol.send_failed",
                              {TEXT("said"), SECOND("interface")},
                              {"{said}[ on {interface}]", "{said}[ sur {interface}]"}},
    [FACT_WAKE_STAGE] = {"wake.stage", {STAGE}, {"{stage}", "{stage}"}},
    [FACT_WAKE_READY] = {"wake.ready",
                         {{"seconds", PARAM_EXACT, 0}, {"kind", PARAM_KIND, 0}},
                         {"ready after {seconds} s[ ({kind})]",
                          "prêt au bout de {seconds}" NNBSP "s[ ({kind})]"}},
    [FACT_WAKE_OUT_OF_TIME] = {"wake.out_of_time", {{0}}, {"out of time", "délai dépassé"}},
    [FACT_WAKE_CANCELLED] = {"wake.cancelled", {BY}, {"cancelled[ by {by}]", "annulé[ par {by}]"}},
    [FACT_WAKE_CALLED_OFF] = {"wake.called_off",
                              {{0}},
                              {"the wake was called off", "le réveil a été annulé"}},
    [FACT_WAKE_GOES_ON] = {"wake.goes_on",
                           {CAUSE},
                           {"the wake goes on, for others wait for it: {cause}",
                            "le réveil se poursuit, car d’autres l’attendent" NBSP ": {cause}"}},
    [FACT_WAKE_ITS_CALLED_OFF] = {"wake.its_called_off",
                                  {{0}},
                                  {"its wake was cancelled", "son réveil a été annulé"}},
    [FACT_WAKE_NO_SIGN] = {"wake.no_sign",
                           {SECONDS, STAGE},
                           {EN_FAILED "no sign of life: check its power and cable, Wake-on-LAN in "
                                      "its firmware and on its network card, the MAC and the "
                                      "broadcast address",
                            FR_FAILED "aucun signe de vie" NBSP
                                      ": vérifiez son alimentation et son câble, Wake-on-LAN dans "
                                      "son micrologiciel et sur sa carte réseau, l’adresse MAC et "
                                      "l’adresse de diffusion"}},
    [FACT_WAKE_NOT_READY] = {"wake.not_ready",
                             {SECONDS, STAGE},
                             {EN_FAILED "it is up, but its checks do not pass: check its services "
                                        "and the check's address",
                              FR_FAILED "il est allumé, mais ses contrôles échouent" NBSP
                                        ": vérifiez ses services et l’adresse du contrôle"}},
    [FACT_WAKE_NO_PACKET] = {"wake.no_packet",
                             {SECONDS, STAGE, CAUSE},
                             {EN_FAILED "no magic packet could be sent: check the interface and "
                                        "the broadcast address, or the relay[ ({cause})]",
                              FR_FAILED "aucun paquet magique n’a pu être envoyé" NBSP
                                        ": vérifiez l’interface et l’adresse de diffusion, ou le "
                                        "relais[ ({cause})]"}},
    [FACT_WAKE_ADDRESS_TAKEN] = {"wake.address_taken",
                                 {SECONDS, STAGE},
                                 {EN_FAILED "another machine answers on its address: check who "
                                            "has it",
                                  FR_FAILED "une autre machine répond à son adresse" NBSP
                                            ": vérifiez qui l’utilise"}},
    [FACT_WAKE_CHECK_FAILS] = {"wake.check_fails",
                               {SECONDS, STAGE, CAUSE},
                               {EN_FAILED "it is up, but a check does not pass[: {cause}]",
                                FR_FAILED "il est allumé, mais un contrôle échoue[" NBSP
                                          ": {cause}]"}},
    [FACT_WAKE_NEEDED_NOT_READY] = {"wake.needed_not_ready",
                                    {SERVER, CAUSE},
                                    {"{server}, which it needs, did not become ready[: {cause}]",
                                     "{server}, dont il a besoin, n’a pas été prêt[" NBSP
                                     ": {cause}]"}},
    [FACT_WAKE_GIVEN_UP] = {"wake.given_up",
                            {CAUSE},
                            {"given up[: it still {cause}]",
                             "abandonné[" NBSP ": toujours en attente ({cause})]"}},
    [FACT_WAKE_UNWANTED] = {"wake.unwanted",
                            {{0}},
                            {"while Hall was away, everyone who wanted it has gone",
                             "pendant l’absence de Hall, tous ceux qui le voulaient sont partis"}},
    [FACT_GUARD] = {"guard",
                    {GUARD, {"until", PARAM_INSTANT, 0}},
                    {"guard {guard} refuses[ until {until}]",
                     "la garde {guard} refuse[ jusqu’à {until}]"}},

    [FACT_SLEEP_REQUESTED] = {"sleep.requested",
                              {BY},
                              {"sleep by {by}", "mise en veille par {by}"}},
    [FACT_RESTART_REQUESTED] = {"restart.requested",
                                {BY},
                                {"restart by {by}", "redémarrage par {by}"}},
    [FACT_SLEEP_AGREED] = {"sleep.agreed",
                           {{0}},
                           {"it agreed to sleep", "il a accepté la mise en veille"}},
    [FACT_SLEEP_AGENT_AGREED] = {"sleep.agent_agreed",
                                 {{0}},
                                 {"its agent agreed to sleep",
                                  "son agent a accepté la mise en veille"}},
    [FACT_SLEEP_ASKED] = {"sleep.asked",
                          {{0}},
                          {"it was asked to sleep", "la mise en veille lui a été demandée"}},
    [FACT_SLEEP_PROVEN] = {"sleep.proven", {{0}}, {"silence is proven", "le silence est confirmé"}},
    [FACT_SLEEP_FORCED] = {"sleep.forced",
                           {{0}},
                           {"it was put to sleep by force", "il a été mis en veille de force"}},
    [FACT_SLEEP_FAILED] = {"sleep.failed",
                           {CAUSE},
                           {"the sleep failed[: {cause}]",
                            "la mise en veille a échoué[" NBSP ": {cause}]"}},
    [FACT_SLEEP_AGREED_AWAKE] = {"sleep.agreed_awake",
                                 {SECONDS},
                                 {"it agreed, but still answers after {seconds} s",
                                  "il a accepté, mais répond encore au bout de {seconds}" NNBSP
                                  "s"}},
    [FACT_SLEEP_ASKED_AWAKE] = {"sleep.asked_awake",
                                {SECONDS},
                                {"it was asked, but still answers after {seconds} s",
                                 "la demande est passée, mais il répond encore au bout de "
                                 "{seconds}" NNBSP "s"}},
    [FACT_SLEEP_FELL_SILENT] = {"sleep.fell_silent",
                                {{0}},
                                {"it fell silent before it agreed",
                                 "il s’est tu avant d’avoir accepté"}},
    [FACT_SLEEP_CAME_BACK] = {"sleep.came_back",
                              {{0}},
                              {"it came back before it fell silent",
                               "il est revenu avant de s’être tu"}},
    [FACT_SLEEP_RESTARTED] = {"sleep.restarted", {{0}}, {"it restarted", "il a redémarré"}},
    [FACT_SLEEP_UNANSWERED] = {"sleep.unanswered",
                               {SECONDS},
                               {"it did not answer within {seconds} s, and not knowing is a veto",
                                "il n’a pas répondu en {seconds}" NNBSP
                                "s, et ne pas savoir vaut refus"}},
    [FACT_SLEEP_NOT_UP] = {"sleep.not_up",
                           {STATE},
                           {"it is {state}, so nothing can ask it to sleep",
                            "état" NBSP ": {state}" NNBSP
                            "; rien ne peut lui demander de se mettre en veille"}},
    [FACT_SLEEP_VIA_NONE] = {"sleep.via_none",
                             {{0}},
                             {"its configuration says sleep.via none",
                              "sa configuration indique sleep.via none"}},
    [FACT_SLEEP_NO_AGENT] = {"sleep.no_agent",
                             {{0}},
                             {"its agent is not connected, so nothing can ask it to sleep",
                              "son agent n’est pas connecté" NNBSP
                              "; rien ne peut lui demander de se mettre en veille"}},
    [FACT_SLEEP_NO_BROKER] = {"sleep.no_broker",
                              {{0}},
                              {"the broker is not connected, so its agent cannot be asked",
                               "le broker n’est pas connecté" NNBSP
                               "; son agent ne peut pas être interrogé"}},
    [FACT_SLEEP_IN_USE] = {"sleep.in_use",
                           {CAUSE},
                           {"awake because {cause}", "allumé car {cause}"}},
    [FACT_SLEEP_OUT_OF_SIGHT] = {"sleep.out_of_sight",
                                 {{0}},
                                 {"Hall cannot look at the connections to it, and not knowing is a "
                                  "veto",
                                  "Hall ne peut pas voir les connexions vers lui, et ne pas savoir "
                                  "vaut refus"}},
    [FACT_SLEEP_LOOK_LATE] = {"sleep.look_late",
                              {{0}},
                              {"Hall could not look at the connections to it in time",
                               "Hall n’a pas pu voir à temps les connexions vers lui"}},
    [FACT_SLEEP_TOO_SOON] = {"sleep.too_soon",
                             {SECONDS, {"min_up", PARAM_SPAN, 1}},
                             {"it has been up for only {seconds} s; sleep.min_up is {min_up}",
                              "il n’est allumé que depuis {seconds}" NNBSP "s" NNBSP
                              "; sleep.min_up vaut {min_up}"}},
    [FACT_SLEEP_NOT_WAKEABLE] = {"sleep.not_wakeable",
                                 {{0}},
                                 {"it is not known to be wakeable: no wake has succeeded yet and "
                                  "its agent does not report Wake-on-LAN as armed",
                                  "rien ne prouve qu’il puisse être réveillé" NBSP
                                  ": aucun réveil n’a encore réussi et son agent n’indique pas que "
                                  "Wake-on-LAN est activé"}},

    [FACT_ANSWER_READY_ALREADY] = {"answer.ready_already",
                                   {{0}},
                                   {"it is ready already", "il est déjà prêt"}},
    [FACT_ANSWER_SLEEPS_ALREADY] = {"answer.sleeps_already",
                                    {{0}},
                                    {"it is falling asleep already", "il s’endort déjà"}},
    [FACT_ANSWER_OFF_ALREADY] = {"answer.off_already",
                                 {{0}},
                                 {"it is off already", "il est déjà éteint"}},
    [FACT_ANSWER_LEASES_FULL] = {"answer.leases_full",
                                 {NUMBER("most", 0)},
                                 {"{most} holds and wake commands keep this server awake already, "
                                  "the most at once; release one or wait for one to end",
                                  "{most} réservations et ordres de réveil tiennent déjà ce "
                                  "serveur allumé, le maximum à la fois" NNBSP
                                  "; libérez-en un ou attendez que l’un d’eux se termine"}},
    [FACT_ANSWER_COMMANDS_FULL] =
        {"answer.commands_full",
         {NUMBER("most", 0)},
         {"{most} commands are under way here already, the most at once; "
          "wait for one to end",
          "{most} commandes sont déjà en cours ici, le maximum à la fois" NNBSP
          "; attendez que l’une d’elles se termine"}},
    [FACT_ANSWER_NO_WAKE] = {"answer.no_wake",
                             {{0}},
                             {"no wake is under way", "aucun réveil n’est en cours"}},
    [FACT_ANSWER_NO_HOLD] = {"answer.no_hold",
                             {{0}},
                             {"there is no hold of that name", "aucun maintien ne porte ce nom"}},
    [FACT_ANSWER_NO_LEASE] = {"answer.no_lease",
                              {{0}},
                              {"there is no such lease any more", "ce bail n’existe plus"}},
    [FACT_ANSWER_NO_WINDOWS] = {"answer.no_windows",
                                {{0}},
                                {"none of its domains has windows; configure policy.windows first",
                                 "aucun de ses domaines n’a de plages horaires" NNBSP
                                 "; configurez d’abord policy.windows"}},
    [FACT_ANSWER_NOT_SETTLED] = {"answer.not_settled",
                                 {STATE},
                                 {"it is {state}; only a server that is up and settled restarts",
                                  "état" NBSP ": {state}" NNBSP
                                  "; seul un serveur allumé et stable peut redémarrer"}},
    [FACT_ANSWER_RESTARTS] = {"answer.restarts",
                              {{0}},
                              {"it is about to restart; ask again once it is up",
                               "il va redémarrer" NNBSP "; redemandez une fois qu’il sera prêt"}},
    [FACT_ANSWER_NO_PROJECT] = {"answer.no_project",
                                {{0}},
                                {"only a project is stopped; a server sleeps",
                                 "seul un projet s’arrête" NNBSP "; un serveur se met en veille"}},
    [FACT_ANSWER_INVALID] = {"answer.invalid", {TEXT("said")}, {"{said}", "{said}"}},
    [FACT_ANSWER_RETAINED] = {"answer.retained",
                              {{0}},
                              {"a retained command is refused; publish without -r",
                               "une commande conservée (retained) est refusée" NNBSP
                               "; publiez sans -r"}},
    [FACT_ANSWER_UNKNOWN_SERVER] = {"answer.unknown_server",
                                    {{0}},
                                    {"no server of that name is configured",
                                     "aucun serveur de ce nom n’est configuré"}},
    [FACT_ANSWER_UNKNOWN_PROJECT] = {"answer.unknown_project",
                                     {{0}},
                                     {"no project of that name is configured",
                                      "aucun projet de ce nom n’est configuré"}},
    [FACT_ANSWER_BAD_ID] = {"answer.bad_id",
                            {{0}},
                            {"ids and names are 1 to 64 of a-z, 0-9, '_' and '-'",
                             "les identifiants et les noms ont de 1 à 64 caractères parmi a-z, "
                             "0-9, «" NBSP "_" NBSP "» et «" NBSP "-" NBSP "»"}},

    [FACT_ANSWER_PROJECT_GONE] =
        {"answer.project_gone",
         {{0}},
         {"its project was removed from the configuration, or moved to another server",
          "son projet a été retiré de la configuration, ou déplacé sur un autre serveur"}},
    [FACT_ANSWER_NOT_KEPT] = {"answer.not_kept",
                              {{0}},
                              {"Hall cannot write its records now: a restart would forget this",
                               "Hall ne peut pas écrire ses enregistrements pour l’instant" NBSP
                               ": un redémarrage oublierait ceci"}},
    [FACT_ANSWER_GONE] = {"answer.gone",
                          {{0}},
                          {"the server was removed from the configuration",
                           "le serveur a été retiré de la configuration"}},

    [FACT_COMMAND_REFUSED] = {"command.refused",
                              {{"action", PARAM_ACTION, 0}, BY, CAUSE},
                              {"{action} by {by}[: {cause}]",
                               "{action} par {by}[" NBSP ": {cause}]"}},
    [FACT_HOLD_BEGUN] = {"hold.begun",
                         {TEXT("name"), SECOND("reason")},
                         {"{name}[: {reason}]", "{name}[" NBSP ": {reason}]"}},
    [FACT_HOLD_KEEP_AWAKE] = {"hold.keep_awake",
                              {BY},
                              {"keep_awake by {by}", "keep_awake par {by}"}},
    [FACT_HOLD_RELEASED] = {"hold.released", {TEXT("name")}, {"{name}", "{name}"}},
    [FACT_HOLD_FORCED] = {"hold.forced",
                          {TEXT("name")},
                          {"{name}: released by a forced sleep",
                           "{name}" NBSP ": terminé par une mise en veille forcée"}},
    [FACT_HOLD_ENDED] = {"hold.ended",
                         {TEXT("name")},
                         {"{name}: its time is over", "{name}" NBSP ": arrivé à échéance"}},
    [FACT_POLICY_CHANGED] = {"policy.changed",
                             {{"policy", PARAM_POLICY, 0}, BY},
                             {"{policy} by {by}", "{policy} par {by}"}},
    [FACT_POLICY_IDLE] = {"policy.idle",
                          {{"minutes", PARAM_NUMBER, 0}, BY},
                          {"idle {minutes} min by {by}",
                           "inactivité de {minutes}" NNBSP "min par {by}"}},

    [FACT_NEXT_READY] = {"next.ready",
                         {CAUSE},
                         {"woken by {cause}", "réveillé par" NBSP ": {cause}"}},
    [FACT_NEXT_WAKE_DEADLINE] = {"next.wake_deadline",
                                 {CAUSE},
                                 {"given up if not ready by then; woken by {cause}",
                                  "abandonné s’il n’est pas prêt d’ici là" NNBSP
                                  "; réveillé par" NBSP ": {cause}"}},
    [FACT_NEXT_SLEEP] = {"next.sleep",
                         {{0}},
                         {"the last lease ends", "le dernier bail se termine"}},
    [FACT_NEXT_SLEEP_DEADLINE] = {"next.sleep_deadline",
                                  {BY},
                                  {"asked to sleep by {by}", "mise en veille demandée par {by}"}},
    [FACT_NEXT_GUARD_END] = {"next.guard_end",
                             {GUARD},
                             {"may be woken again; refused by guard {guard}",
                              "peut de nouveau être réveillé" NNBSP
                              "; refusé par la garde {guard}"}},
    [FACT_NEXT_WAKE_RETRY] = {"next.wake_retry",
                              {CAUSE},
                              {"woken again: {cause}", "réveillé de nouveau" NBSP ": {cause}"}},
    [FACT_NEXT_SCHEDULE] = {"next.schedule",
                            {DOMAIN},
                            {"woken in time for the window of {domain}",
                             "réveillé à temps pour la plage horaire de {domain}"}},

    [FACT_PROJECT_SERVER_NOT_UP] = {"project.server_not_up",
                                    {STATE},
                                    {"its server is {state}",
                                     "état de son serveur" NBSP ": {state}"}},
    [FACT_PROJECT_SERVER_OFF] = {"project.server_off",
                                 {{0}},
                                 {"its server is off", "son serveur est éteint"}},
    [FACT_PROJECT_NO_AGENT] = {"project.no_agent",
                               {{0}},
                               {"the agent of its server is not connected",
                                "l’agent de son serveur n’est pas connecté"}},
    [FACT_PROJECT_UNTOLD] = {"project.untold",
                             {{0}},
                             {"the agent of its server tells of no containers of it",
                              "l’agent de son serveur n’indique aucun de ses conteneurs"}},
    [FACT_PROJECT_BUSY] = {"project.busy",
                           {{"verb", PARAM_VERB, 0}},
                           {"another {verb} of it is under way; wait for its end",
                            "une autre opération ({verb}) est en cours" NNBSP
                            "; attendez qu’elle se termine"}},
    [FACT_PROJECT_SERVER_SLEEPS] = {"project.server_sleeps",
                                    {{0}},
                                    {"its server is about to sleep",
                                     "son serveur est sur le point de s’endormir"}},
    [FACT_PROJECT_STOPPED] = {"project.stopped",
                              {{0}},
                              {"it was told to stop", "son arrêt a été demandé"}},
    [FACT_PROJECT_IDLE] = {"project.idle",
                           {{0}},
                           {"its containers do not run", "ses conteneurs sont arrêtés"}},
    [FACT_PROJECT_SPARED] = {"project.spared",
                             {TEXT("container"), NUMBER("more", 0), SITE},
                             {"{container}[ (and {more} more)] stays up: project {site} uses it",
                              "{container}[ (et {more} de plus)] reste démarré" NBSP
                              ": le projet {site} l’utilise"}},
    [FACT_PROJECT_SPARED_RESTART] = {"project.spared_restart",
                                     {TEXT("container"), NUMBER("more", 0), SITE},
                                     {"{container}[ (and {more} more)] is not restarted: project "
                                      "{site} uses it",
                                      "{container}[ (et {more} de plus)] n’est pas "
                                      "redémarré" NBSP ": le projet {site} l’utilise"}},
    [FACT_PROJECT_TAKEN] = {"project.taken",
                            {{0}},
                            {"another project is stopping its containers; try again",
                             "un autre projet arrête ses conteneurs" NNBSP "; réessayez"}},
    [FACT_PROJECT_LOST] = {"project.lost",
                           {{0}},
                           {"Hall was restarted before its agent said how it ended; look at its "
                            "state",
                            "Hall a redémarré avant que son agent n’annonce le résultat" NNBSP
                            "; vérifiez son état"}},
    [FACT_PROJECT_START_FAILED] = {"project.start_failed",
                                   {CAUSE},
                                   {"its containers could not be started[: {cause}]",
                                    "ses conteneurs n’ont pas pu être démarrés[" NBSP
                                    ": {cause}]"}},
    [FACT_PROJECT_STOP_FAILED] = {"project.stop_failed",
                                  {CAUSE},
                                  {"its containers could not be stopped[: {cause}]",
                                   "ses conteneurs n’ont pas pu être arrêtés[" NBSP ": {cause}]"}},
    [FACT_PROJECT_RESTART_FAILED] = {"project.restart_failed",
                                     {CAUSE},
                                     {"its containers could not be restarted[: {cause}]",
                                      "ses conteneurs n’ont pas pu être redémarrés[" NBSP
                                      ": {cause}]"}},
    [FACT_PROJECT_AGENT_WENT] = {"project.agent_went",
                                 {{0}},
                                 {"its agent went away", "son agent est parti"}},
    [FACT_PROJECT_UNENDED] = {"project.unended",
                              {{0}},
                              {"its agent did not say how it ended",
                               "son agent n’a pas annoncé le résultat"}},
    [FACT_PROJECT_UNANSWERED] = {"project.unanswered",
                                 {{0}},
                                 {"its agent did not answer", "son agent n’a pas répondu"}},
    [FACT_PROJECT_STOPS_AGAIN] = {"project.stops_again",
                                  {{0}},
                                  {"its containers stop again right after they were started: look "
                                   "at their logs",
                                   "ses conteneurs s’arrêtent juste après leur démarrage" NBSP
                                   ": consultez leurs journaux"}},
    [FACT_PROJECT_LATE] = {"project.late",
                           {SECONDS},
                           {"not ready after {seconds} s: look at its containers' logs",
                            "pas prêt au bout de {seconds}" NNBSP "s" NBSP
                            ": consultez les journaux de ses conteneurs"}},
    [FACT_PROJECT_NO_BROKER] = {"project.no_broker",
                                {{0}},
                                {"the broker is not connected", "le broker n’est pas connecté"}},
    [FACT_PROJECT_SCHEMA] = {"project.schema",
                             {NUMBER("schema", 0), NUMBER("known", 1)},
                             {"its agent speaks schema {schema}, this Hall knows {known}: update "
                              "the older of the two",
                              "son agent parle le schéma {schema}, ce Hall connaît le "
                              "{known}" NBSP ": mettez à jour le plus ancien des deux"}},
    [FACT_DOCKER_SILENT] = {"docker.silent",
                            {{0}},
                            {"Docker does not answer its agent",
                             "Docker ne répond pas à son agent"}},
    [FACT_PROJECT_DOCKER_DOWN] = {"project.docker_down",
                                  {CAUSE},
                                  {"Docker is down on its server[: {cause}]",
                                   "Docker est arrêté sur son serveur[" NBSP ": {cause}]"}},
    [FACT_PROJECT_AGENT_SILENT] = {"project.agent_silent",
                                   {{0}},
                                   {"nobody tells of its containers: start hall-agent on its "
                                    "server, and give it docker in its configuration",
                                    "rien n’indique l’état de ses conteneurs" NBSP
                                    ": démarrez hall-agent sur son serveur, avec docker dans sa "
                                    "configuration"}},
    [FACT_PROJECT_MISSING] = {"project.missing",
                              {TEXT("container")},
                              {"its container {container} is not on the server: create it, or "
                               "correct its name",
                               "son conteneur {container} n’existe pas sur le serveur" NBSP
                               ": créez-le, ou corrigez son nom"}},
    [FACT_PROJECT_RESTARTS] = {"project.restarts",
                               {TEXT("container")},
                               {"its container {container} restarts again and again: look at its "
                                "log",
                                "son conteneur {container} redémarre sans cesse" NBSP
                                ": consultez son journal"}},
    [FACT_PROJECT_UNHEALTHY] = {"project.unhealthy",
                                {TEXT("container")},
                                {"its container {container} is unhealthy: look at its health "
                                 "check and its log",
                                 "son conteneur {container} est défaillant" NBSP
                                 ": consultez son contrôle de santé et son journal"}},
    [FACT_PROJECT_SITE_FAILS] = {"project.site_fails",
                                 {CAUSE},
                                 {"the server is up, but its site does not answer as it should[: "
                                  "{cause}]",
                                  "le serveur est allumé, mais son site ne répond pas comme "
                                  "prévu[" NBSP ": {cause}]"}},
    [FACT_PROJECT_SITE_SILENT] = {"project.site_silent",
                                  {{0}},
                                  {"the server is up, but its site does not answer as it should: "
                                   "look at its containers' logs, and at its upstream and health "
                                   "in the configuration",
                                   "le serveur est allumé, mais son site ne répond pas comme "
                                   "prévu" NBSP ": consultez les journaux de ses conteneurs, puis "
                                   "upstream et health dans la configuration"}},

    [FACT_CHECK_SILENT] = {"check.silent",
                           {CHECK},
                           {EN_CHECK "no answer", FR_CHECK "aucune réponse"}},
    [FACT_CHECK_REFUSED] = {"check.refused",
                            {CHECK},
                            {EN_CHECK "connection refused", FR_CHECK "connexion refusée"}},
    [FACT_CHECK_STATUS] = {"check.status",
                           {CHECK, NUMBER("status", 0)},
                           {EN_CHECK "it answers with status {status}",
                            FR_CHECK "il répond avec le statut {status}"}},
    [FACT_CHECK_SLOW] = {"check.slow",
                         {CHECK, NUMBER("seconds", 0)},
                         {EN_CHECK "no answer within {seconds} s",
                          FR_CHECK "aucune réponse en {seconds}" NNBSP "s"}},
    [FACT_CHECK_CLOSED] = {"check.closed",
                           {CHECK},
                           {EN_CHECK "the connection was closed without an answer",
                            FR_CHECK "la connexion a été fermée sans réponse"}},
    [FACT_CHECK_UNRESOLVED] = {"check.unresolved",
                               {CHECK},
                               {EN_CHECK "its host name has no address",
                                FR_CHECK "son nom d’hôte n’a pas d’adresse"}},
    [FACT_CHECK_SELF_SIGNED] = {"check.certificate.self_signed",
                                {CHECK},
                                {EN_CHECK "its certificate is self-signed; name it in tls.ca, or "
                                          "set tls.verify to false",
                                 FR_CHECK "son certificat est auto-signé" NNBSP
                                          "; indiquez-le dans tls.ca, ou mettez tls.verify à "
                                          "false"}},
    [FACT_CHECK_UNTRUSTED] = {"check.certificate.untrusted",
                              {CHECK},
                              {EN_CHECK "the authority of its certificate is not trusted; name it "
                                        "in tls.ca",
                               FR_CHECK "l’autorité de son certificat n’est pas reconnue" NNBSP
                                        "; indiquez-la dans tls.ca"}},
    [FACT_CHECK_EXPIRED] = {"check.certificate.expired",
                            {CHECK},
                            {EN_CHECK "its certificate has expired",
                             FR_CHECK "son certificat a expiré"}},
    [FACT_CHECK_NOT_YET_VALID] = {"check.certificate.not_yet_valid",
                                  {CHECK},
                                  {EN_CHECK "its certificate is not valid yet",
                                   FR_CHECK "son certificat n’est pas encore valide"}},
    [FACT_CHECK_WRONG_NAME] = {"check.certificate.wrong_name",
                               {CHECK},
                               {EN_CHECK "its certificate is for another name (name mismatch); "
                                         "set tls.name",
                                FR_CHECK "son certificat est établi pour un autre nom" NNBSP
                                         "; définissez tls.name"}},
    [FACT_CHECK_BAD_CERTIFICATE] = {"check.certificate.refused",
                                    {CHECK, NUMBER("error", 0)},
                                    {EN_CHECK "its certificate is refused[ (OpenSSL error "
                                              "{error})]",
                                     FR_CHECK "son certificat est refusé[ (erreur OpenSSL "
                                              "{error})]"}},
    [FACT_CHECK_CA_FILE] = {"check.certificate.ca_file",
                            {CHECK},
                            {EN_CHECK "the file in tls.ca cannot be read",
                             FR_CHECK "le fichier indiqué dans tls.ca est illisible"}},
    [FACT_CHECK_NO_TLS] = {"check.tls",
                           {CHECK},
                           {EN_CHECK "the TLS handshake failed",
                            FR_CHECK "la négociation TLS a échoué"}},
    [FACT_CHECK_UNABLE] = {"check.unable",
                           {CHECK},
                           {EN_CHECK "this machine cannot make the check",
                            FR_CHECK "cette machine ne peut pas effectuer ce contrôle"}},
    [FACT_CHECK_NO_AGENT] = {"check.agent",
                             {CHECK},
                             {EN_CHECK "its agent is not online",
                              FR_CHECK "son agent n’est pas en ligne"}},

    [FACT_VETO_UNKNOWN] = {"veto.unknown",
                           {TEXT("veto"), CAUSE},
                           {"{veto}: not known[: {cause}]", "{veto}" NBSP ": inconnu[ ({cause})]"}},
    [FACT_VETO_MORE] = {"veto.more",
                        {TEXT("veto"), NUMBER("more", 0)},
                        {"{veto}: and {more} more", "{veto}" NBSP ": et {more} de plus"}},
    [FACT_VETO_LATE] = {"veto.late",
                        {{0}},
                        {"whether this server is in use was not found out in time",
                         "il n’a pas été possible de savoir à temps si ce serveur est utilisé"}},
    [FACT_VETO_SESSION] = {"veto.session",
                           {TEXT("user"), SECOND("seat")},
                           {"sessions: {user}[ on {seat}]",
                            "session" NBSP ": {user}[ sur {seat}]"}},
    [FACT_VETO_REMOTE_SESSION] = {"veto.remote_session",
                                  {TEXT("user"), SECOND("from")},
                                  {"sessions: {user}[ from {from}]",
                                   "session à distance" NBSP ": {user}[ depuis {from}]"}},
    [FACT_VETO_INHIBITOR] = {"veto.inhibitor",
                             {TEXT("who"), SECOND("why")},
                             {"inhibitors: {who}[ ({why})]",
                              "inhibiteur" NBSP ": {who}[ ({why})]"}},
    [FACT_VETO_IDLE_INHIBITOR] = {"veto.idle_inhibitor",
                                  {TEXT("who"), SECOND("why")},
                                  {"inhibitors: {who} says that this machine is not idle[ ({why})]",
                                   "inhibiteur" NBSP ": {who} indique que cette machine n’est pas "
                                   "inactive[ ({why})]"}},
    [FACT_VETO_CONNECTION] = {"veto.connection",
                              {NUMBER("port", 0), TEXT("from"), {"bytes", PARAM_BYTES, 1}},
                              {"connections: port {port} from {from}, {bytes} in the last minute",
                               "connexion" NBSP ": port {port} depuis {from}, {bytes} dans la "
                               "dernière minute"}},
    [FACT_VETO_CONNECTION_QUIET] = {"veto.connection_quiet",
                                    {NUMBER("port", 0),
                                     TEXT("from"),
                                     {"seconds", PARAM_SECONDS, 1}},
                                    {"connections: port {port} from {from}, quiet for {seconds} s",
                                     "connexion" NBSP ": port {port} depuis {from}, sans échange "
                                     "depuis {seconds}" NNBSP "s"}},
    [FACT_VETO_CONNECTION_PACKET] = {"veto.connection_packet",
                                     {NUMBER("port", 0),
                                      TEXT("from"),
                                      {"seconds", PARAM_SECONDS, 1}},
                                     {"connections: port {port} from {from}, last packet {seconds} "
                                      "s ago",
                                      "connexion" NBSP ": port {port} depuis {from}, dernier "
                                      "paquet il y a {seconds}" NNBSP "s"}},
    [FACT_VETO_PROCESS] = {"veto.process",
                           {TEXT("name")},
                           {"processes: {name}", "processus" NBSP ": {name}"}},
    [FACT_VETO_LOAD] = {"veto.load",
                        {{"load", PARAM_LOAD, 0}, {"limit", PARAM_LOAD, 1}},
                        {"load: {load}, the limit is {limit}",
                         "charge" NBSP ": {load}, la limite est {limit}"}},
    [FACT_VETO_NETWORK] = {"veto.network",
                           {{"rate", PARAM_RATE, 0}, {"limit", PARAM_RATE, 1}},
                           {"network: {rate}, the limit is {limit}",
                            "réseau" NBSP ": {rate}, la limite est {limit}"}},
    [FACT_VETO_DISK] = {"veto.disk",
                        {{"rate", PARAM_RATE, 0}, {"limit", PARAM_RATE, 1}},
                        {"disk: {rate}, the limit is {limit}",
                         "disque" NBSP ": {rate}, la limite est {limit}"}},
    [FACT_VETO_COMMAND] = {"veto.command",
                           {TEXT("command")},
                           {"command: {command} says so", "commande" NBSP ": {command} l’indique"}},
    [FACT_VETO_CONTAINER] = {"veto.container",
                             {TEXT("container")},
                             {"containers: {container} is busy",
                              "conteneur" NBSP ": {container} est occupé"}},
    [FACT_VETO_TERMINAL] = {"veto.terminal",
                            {TEXT("name"), SECOND("in")},
                            {"terminals: {name} runs[ in {in}]",
                             "terminal" NBSP ": {name} est en cours[ dans {in}]"}},
    [FACT_VETO_COPY] = {"veto.copy",
                        {TEXT("name")},
                        {"copies: {name} runs", "copie" NBSP ": {name} est en cours"}},
    [FACT_VETO_PACKAGE] = {"veto.package",
                           {TEXT("name")},
                           {"packages: {name} runs", "paquets" NBSP ": {name} est en cours"}},
    [FACT_VETO_PACKAGE_LOCK] = {"veto.package_lock",
                                {TEXT("file")},
                                {"packages: {file} is locked",
                                 "paquets" NBSP ": {file} est verrouillé"}},
    [FACT_VETO_JOB] = {"veto.job",
                       {TEXT("unit"), SECOND("state")},
                       {"jobs: {unit} runs[ ({state})]",
                        "tâche" NBSP ": {unit} est en cours[ ({state})]"}},
    [FACT_VETO_GUEST] = {"veto.guest",
                         {TEXT("name"), SECOND("kind")},
                         {"guests: {name} runs[ ({kind})]",
                          "machine invitée" NBSP ": {name} est en marche[ ({kind})]"}},
    [FACT_VETO_EXEC] = {"veto.exec",
                        {TEXT("name"), SECOND("container")},
                        {"execs: {name} runs[ in container {container}]",
                         "exécution" NBSP ": {name} est en cours[ dans le conteneur {container}]"}},
    [FACT_VETO_SHARE] = {"veto.share",
                         {TEXT("client"), SECOND("protocol")},
                         {"shares: {client} has files open[ by {protocol}]",
                          "partage" NBSP ": {client} a des fichiers ouverts[ par {protocol}]"}},
    [FACT_VETO_SHARE_UNSEEN] =
        {"veto.share_unseen",
         {TEXT("client"), SECOND("protocol")},
         {"shares: {client} is connected[ by {protocol}], and what it has open cannot be seen",
          "partage" NBSP ": {client} est connecté[ par {protocol}], et ce qu’il a ouvert est "
          "invisible"}},
    [FACT_VETO_PROCESSOR] = {"veto.processor",
                             {{"load", PARAM_LOAD, 0}, {"limit", PARAM_LOAD, 1}},
                             {"processor: a load of {load} processors, the limit is {limit}",
                              "processeur" NBSP ": une charge de {load} processeurs, la limite est "
                              "{limit}"}},

    [FACT_AGENT_BAD_ID] = {"agent.bad_id",
                           {NUMBER("most", 0)},
                           {"\"id\" is missing or no id; allowed: 1 to {most} printable bytes",
                            "«" NBSP "id" NBSP "» manque ou est invalide" NNBSP "; autorisé" NBSP
                            ": 1 à {most} octets imprimables"}},
    [FACT_AGENT_BAD_ACTION] = {"agent.bad_action",
                               {TEXT("action")},
                               {"\"action\"[ is \"{action}\", which] is not known; allowed: "
                                "suspend, hibernate, poweroff, reboot, start, stop, restart",
                                "«" NBSP "action" NBSP "»[ vaut «" NBSP "{action}" NBSP
                                "», qui] est inconnue" NNBSP "; autorisé" NBSP
                                ": suspend, hibernate, poweroff, reboot, start, stop, restart"}},
    [FACT_AGENT_BAD_FORCE] = {"agent.bad_force",
                              {TEXT("found")},
                              {"\"force\" is {found}; allowed: true or false",
                               "«" NBSP "force" NBSP "» est de type {found}" NNBSP "; autorisé" NBSP
                               ": true ou false"}},
    [FACT_AGENT_BAD_ASKED] = {"agent.bad_asked",
                              {TEXT("found")},
                              {"\"asked\" is {found}; allowed: true or false",
                               "«" NBSP "asked" NBSP "» est de type {found}" NNBSP "; autorisé" NBSP
                               ": true ou false"}},
    [FACT_AGENT_BAD_IDLE] = {"agent.bad_idle",
                             {NUMBER("most", 0)},
                             {"\"idle_s\" must be a number of seconds; allowed: 0 to {most}",
                              "«" NBSP "idle_s" NBSP "» doit être un nombre de secondes" NNBSP
                              "; autorisé" NBSP ": 0 à {most}"}},
    [FACT_AGENT_BAD_EXPIRES] = {"agent.bad_expires",
                                {{"now", PARAM_INSTANT, 0}},
                                {"\"expires\" is missing or no time; allowed: as \"{now}\"",
                                 "«" NBSP "expires" NBSP "» manque ou n’est pas une date" NNBSP
                                 "; autorisé" NBSP ": comme «" NBSP "{now}" NBSP "»"}},
    [FACT_AGENT_BAD_CONTAINERS] = {"agent.bad_containers",
                                   {NUMBER("most", 0)},
                                   {"\"containers\" is no list of names; allowed: at most {most}",
                                    "«" NBSP "containers" NBSP "» n’est pas une liste de noms" NNBSP
                                    "; autorisé" NBSP ": {most} au plus"}},
    [FACT_AGENT_BAD_CONTAINER] = {"agent.bad_container",
                                  {{0}},
                                  {"\"containers\" has something that is no container's name",
                                   "«" NBSP "containers" NBSP
                                   "» contient autre chose qu’un nom de conteneur"}},
    [FACT_AGENT_BAD_PROJECT] = {"agent.bad_project",
                                {{0}},
                                {"\"project\" is no id; allowed: a-z, 0-9, '_' and '-'",
                                 "«" NBSP "project" NBSP "» n’est pas un identifiant" NNBSP
                                 "; autorisé" NBSP ": a-z, 0-9, _ et -"}},
    [FACT_AGENT_NO_TARGET] = {"agent.no_target",
                              {TEXT("action")},
                              {"neither \"project\" nor \"containers\" says what to {action}",
                               "ni «" NBSP "project" NBSP "» ni «" NBSP "containers" NBSP
                               "» ne dit à quoi s’applique {action}"}},
    [FACT_AGENT_EXPIRED] =
        {"agent.expired",
         {{"expires", PARAM_INSTANT, 0}, {"now", PARAM_INSTANT, 1}},
         {"it expired at {expires}, here it is {now}: it came too late, or the clocks differ",
          "elle a expiré à {expires}, il est ici {now}" NBSP
          ": elle est arrivée trop tard, ou les horloges diffèrent"}},
    [FACT_AGENT_RETAINED] =
        {"agent.retained",
         {{0}},
         {"it is retained: a command is said once, or it would be repeated at each start",
          "elle est conservée (retained)" NBSP ": une commande n’est envoyée qu’une fois, sinon "
          "elle serait répétée à chaque démarrage"}},
    [FACT_AGENT_REPEATED] = {"agent.repeated",
                             {{0}},
                             {"a command with this id was handled before",
                              "une commande avec cet identifiant a déjà été traitée"}},
    [FACT_AGENT_NOT_ALLOWED] =
        {"agent.not_allowed",
         {TEXT("action")},
         {"{action} is switched off on this server: see \"allow\" in the agent's configuration",
          "{action} est désactivé sur ce serveur" NBSP ": voyez «" NBSP "allow" NBSP
          "» dans la configuration de l’agent"}},
    [FACT_AGENT_BUSY] = {"agent.busy",
                         {{0}},
                         {"another command is under way, or this machine is going down",
                          "une autre commande est en cours, ou cette machine s’arrête"}},
    [FACT_AGENT_OVERTAKEN] = {"agent.overtaken",
                              {{0}},
                              {"the same command took its place, by a person or by force",
                               "la même commande, d’une personne ou forcée, l’a remplacée"}},
    [FACT_AGENT_GOING_DOWN] = {"agent.going_down",
                               {{0}},
                               {"this machine is going down already",
                                "cette machine s’arrête déjà"}},
    [FACT_AGENT_CANNOT] = {"agent.cannot",
                           {TEXT("action"), CAUSE},
                           {"{action} is not possible[: {cause}]",
                            "{action} n’est pas possible[" NBSP ": {cause}]"}},
    [FACT_AGENT_NO_RIGHT] =
        {"agent.no_right",
         {{0}},
         {"logind says that it cannot, or that this agent may not",
          "logind répond qu’il ne le peut pas, ou que cet agent n’y est pas autorisé"}},
    [FACT_AGENT_NO_BROKER] = {"agent.no_broker",
                              {{0}},
                              {"the broker is not connected", "le broker n’est pas connecté"}},
    [FACT_AGENT_UNHEARD] = {"agent.unheard",
                            {{0}},
                            {"the broker did not take the goodbye in time",
                             "le broker n’a pas pris l’au revoir à temps"}},
    [FACT_AGENT_STILL_AWAKE] = {"agent.still_awake",
                                {{0}},
                                {"logind agreed, but this machine is still awake",
                                 "logind a accepté, mais cette machine est toujours allumée"}},
    [FACT_LOGIND_ABSENT] = {"logind.absent",
                            {{0}},
                            {"logind is not on the system bus; check that systemd-logind runs",
                             "logind n’est pas sur le bus système" NNBSP
                             "; vérifiez que systemd-logind fonctionne"}},
    [FACT_LOGIND_SILENT] = {"logind.silent",
                            {{0}},
                            {"logind does not answer", "logind ne répond pas"}},
    [FACT_LOGIND_SAYS] = {"logind.says",
                          {TEXT("said")},
                          {"logind says: {said}", "logind répond" NBSP ": {said}"}},
    [FACT_LOGIND_ODD] = {"logind.odd",
                         {{0}},
                         {"logind answers in an unknown way",
                          "logind répond sous une forme inconnue"}},
    [FACT_LOGIND_NO_RIGHT] =
        {"logind.no_right",
         {TEXT("action")},
         {"this agent may not {action}: allow it by the polkit rule that comes with it",
          "cet agent n’est pas autorisé à faire {action}" NBSP
          ": autorisez-le par la règle polkit fournie avec lui"}},
    [FACT_LOGIND_UNABLE] = {"logind.unable",
                            {{0}},
                            {"logind says that this machine cannot do it",
                             "logind répond que cette machine en est incapable"}},
    [FACT_LOGIND_BLOCKED] = {"logind.blocked",
                             {{0}},
                             {"a program inhibits it: see systemd-inhibit --list",
                              "un programme s’y oppose" NBSP ": voir systemd-inhibit --list"}},
    [FACT_LOGIND_NO_BUS] = {"logind.no_bus",
                            {TEXT("said")},
                            {"the system bus cannot be reached[ ({said})]",
                             "le bus système est injoignable[ ({said})]"}},
    [FACT_CONTAINERS_OFF] = {"containers.off",
                             {{0}},
                             {"no \"docker\" is configured for this agent",
                              "aucun «" NBSP "docker" NBSP "» n’est configuré pour cet agent"}},
    [FACT_CONTAINERS_FULL] = {"containers.full",
                              {{0}},
                              {"too many commands to containers are under way",
                               "trop de commandes à des conteneurs sont en cours"}},
    [FACT_CONTAINERS_TAKEN] = {"containers.taken",
                               {{0}},
                               {"another command for the same project is under way",
                                "une autre commande pour le même projet est en cours"}},
    [FACT_CONTAINERS_NONE] = {"containers.none",
                              {{0}},
                              {"there is no such container on this server",
                               "ce conteneur n’existe pas sur ce serveur"}},
    [FACT_CONTAINERS_FAILED] = {"containers.failed",
                                {TEXT("said")},
                                {"Docker cannot be asked[: {said}]",
                                 "Docker ne peut pas être interrogé[" NBSP ": {said}]"}},
    [FACT_ENGINE_DENIED] =
        {"engine.denied",
         {TEXT("socket")},
         {"no permission for {socket}: add the agent's user to the group docker, or set "
          "docker.socket",
          "accès refusé à {socket}" NBSP
          ": ajoutez l’utilisateur de l’agent au groupe docker, ou définissez docker.socket"}},
    [FACT_ENGINE_NO_SOCKET] = {"engine.no_socket",
                               {TEXT("socket")},
                               {"there is no {socket}: start Docker, or set docker.socket",
                                "{socket} n’existe pas" NBSP
                                ": démarrez Docker, ou définissez docker.socket"}},
    [FACT_ENGINE_NOBODY] = {"engine.nobody",
                            {TEXT("socket")},
                            {"nobody listens at {socket}: start Docker, or set docker.socket",
                             "personne n’écoute sur {socket}" NBSP
                             ": démarrez Docker, ou définissez docker.socket"}},
    [FACT_ENGINE_LATE] = {"engine.late",
                          {TEXT("socket")},
                          {"Docker at {socket} does not answer in time: look at its log",
                           "Docker ne répond pas à temps sur {socket}" NBSP
                           ": consultez son journal"}},
    [FACT_ENGINE_TOO_LONG] =
        {"engine.too_long",
         {TEXT("socket")},
         {"Docker at {socket} answers with more than 1 MiB: remove containers not needed",
          "la réponse de Docker sur {socket} dépasse 1 Mio" NBSP
          ": supprimez des conteneurs inutiles"}},
    [FACT_ENGINE_ODD] =
        {"engine.odd",
         {TEXT("socket")},
         {"what answers at {socket} does not speak as Docker does: check docker.socket",
          "ce qui répond sur {socket} ne parle pas comme Docker" NBSP ": vérifiez docker.socket"}},
    [FACT_ENGINE_CUT] = {"engine.cut",
                         {TEXT("socket")},
                         {"Docker at {socket} ends its answers half way: look at its log",
                          "Docker interrompt ses réponses sur {socket}" NBSP
                          ": consultez son journal"}},
    [FACT_ENGINE_FAILED] = {"engine.failed",
                            {TEXT("socket"), SECOND("said")},
                            {"Docker at {socket} cannot be asked[: {said}]",
                             "Docker ne peut pas être interrogé sur {socket}[" NBSP ": {said}]"}},
    [FACT_ENGINE_STATUS] = {"engine.status",
                            {TEXT("socket"), SECOND("said"), NUMBER("status", 0)},
                            {"Docker at {socket} answers[ {status}][: {said}]",
                             "Docker répond[ {status}] sur {socket}[" NBSP ": {said}]"}},
    [FACT_CONTAINER_MISSING] =
        {"container.missing",
         {TEXT("container")},
         {"there is no container {container}: create it, or correct its name",
          "le conteneur {container} n’existe pas" NBSP ": créez-le, ou corrigez son nom"}},
    [FACT_CONTAINER_GONE] = {"container.gone",
                             {TEXT("container")},
                             {"the container {container} is gone: create it again",
                              "le conteneur {container} a disparu" NBSP ": recréez-le"}},
    [FACT_CONTAINER_LATE] = {"container.late",
                             {{"verb", PARAM_VERB, 0}, TEXT("container")},
                             {"Docker did not {verb} {container} in time: look at its log",
                              "Docker n’a pas terminé à temps ({verb} de {container})" NBSP
                              ": consultez son journal"}},
    [FACT_CONTAINER_CUT] = {"container.cut",
                            {{"verb", PARAM_VERB, 0}, TEXT("container"), SECOND("said")},
                            {"Docker gave no answer when asked to {verb} {container}[: {said}]",
                             "Docker n’a pas répondu ({verb} de {container})[" NBSP ": {said}]"}},
    [FACT_CONTAINER_REFUSED] =
        {"container.refused",
         {{"verb", PARAM_VERB, 0}, TEXT("container"), SECOND("said"), NUMBER("status", 0)},
         {"Docker does not {verb} {container}[: {said}][ ({status})]",
          "Docker refuse ({verb} de {container})[" NBSP ": {said}][ ({status})]"}},

    [FACT_LOOK_UNREADABLE] = {"look.unreadable",
                              {TEXT("file")},
                              {"{file} cannot be read", "{file} est illisible"}},
    [FACT_LOOK_MEASURING] = {"look.measuring",
                             {SECONDS},
                             {"it is being measured, ask again in {seconds} s",
                              "mesure en cours, redemandez dans {seconds}" NNBSP "s"}},
    [FACT_LOOK_HIDDEN] = {"look.hidden",
                          {{0}},
                          {"the processes of others are hidden (hidepid, ProtectProc)",
                           "les processus des autres sont cachés (hidepid, ProtectProc)"}},
    [FACT_LOOK_NO_TCP_DIAG] =
        {"look.no_tcp_diag",
         {{0}},
         {"no tcp_diag in this kernel; load that module, or turn connections off",
          "pas de tcp_diag dans ce noyau" NNBSP "; chargez ce module, ou désactivez connections"}},
    [FACT_LOOK_NO_SOCKETS] = {"look.no_sockets",
                              {TEXT("said")},
                              {"the sockets of this machine cannot be seen[: {said}]",
                               "les sockets de cette machine sont invisibles[" NBSP ": {said}]"}},
    [FACT_LOOK_NO_FORWARDED] = {"look.no_forwarded",
                                {TEXT("said")},
                                {"forwarded connections cannot be seen[: {said}]",
                                 "les connexions redirigées sont invisibles[" NBSP ": {said}]"}},
    [FACT_LOOK_NO_CAPABILITY] =
        {"look.no_capability",
         {{0}},
         {"forwarded connections cannot be seen without CAP_NET_ADMIN; the unit of hall-agent "
          "grants it",
          "les connexions redirigées sont invisibles sans CAP_NET_ADMIN" NNBSP
          "; l’unité de hall-agent l’accorde"}},
    [FACT_LOOK_TOO_MANY] = {"look.too_many",
                            {NUMBER("most", 0)},
                            {"there are more than the {most} that can be looked at",
                             "il y en a plus que les {most} qui peuvent être examinés"}},
    [FACT_LOOK_NO_UNITS] = {"look.no_units",
                            {{0}},
                            {"systemd does not name its units", "systemd ne nomme pas ses unités"}},
    [FACT_LOOK_STATUS] = {"look.status",
                          {NUMBER("status", 0)},
                          {"exit status {status}; 0 says active, 1 idle",
                           "code de sortie {status}" NNBSP "; 0 signifie actif, 1 inactif"}},

    [FACT_CONFIG_PROBLEM] = {"config.problem", {TEXT("said")}, {"{said}", "{said}"}},
    [FACT_CONFIG_LAST_GOOD] =
        {"config.last_good",
         {TEXT("place"), NUMBER("more", 0), {"kept", PARAM_INSTANT, 1}},
         {"{place}[ and {more} more] (see Hall's log). Hall runs on the last good "
          "configuration, of {kept}; correct the file and reload",
          "{place}[ et {more} de plus] (voir le journal de Hall). Hall fonctionne avec la "
          "dernière bonne configuration, du {kept}" NNBSP "; corrigez le fichier et rechargez-le"}},
    [FACT_CONFIG_KEPT] =
        {"config.kept",
         {TEXT("place"), NUMBER("more", 0)},
         {"{place}[ and {more} more] (see Hall's log). Hall goes on with the configuration it had; "
          "correct the file and reload",
          "{place}[ et {more} de plus] (voir le journal de Hall). Hall continue avec la "
          "configuration qu’il avait" NNBSP "; corrigez le fichier et rechargez-le"}},
    [FACT_CONFIG_LOADED] = {"config.loaded", {TEXT("file")}, {"{file}", "{file}"}},
    [FACT_ACCESS_REFUSED] = {"access.refused",
                             {TEXT("from"), SITE, CAUSE},
                             {"[{from} ]{site}[: {cause}]", "[{from} ]{site}[" NBSP ": {cause}]"}},
    [FACT_ACCESS_REFUSED_PATH] = {"access.tried",
                                  {TEXT("from"), SECOND("said")},
                                  {"{from}[: {said}]", "{from}[" NBSP ": {said}]"}},
    [FACT_CLOCK_WAITS] = {"clock.waits",
                          {{0}},
                          {"the clock of Hall's machine is not synchronised: schedules and hours "
                           "of access wait; see "
                           "timedatectl on it, or set clock.trust",
                           "l’horloge de la machine de Hall n’est pas synchronisée" NBSP
                           ": les horaires attendent" NNBSP
                           "; voir timedatectl sur celle-ci, ou réglez "
                           "clock.trust"}},
    [FACT_CLOCK_EARLY] =
        {"clock.early",
         {{0}},
         {"the clock of Hall's machine shows a time before this Hall was made: schedules and hours "
          "of access wait; set it, or see timedatectl on it",
          "l’horloge de la machine de Hall est antérieure à la création de ce Hall" NBSP
          ": les horaires attendent" NNBSP
          "; mettez-la à l’heure, ou voir timedatectl sur celle-ci"}},
    [FACT_CLOCK_BACK] =
        {"clock.back",
         {{0}},
         {"the clock of Hall's machine was not synchronised and shows less than what Hall wrote "
          "down before: schedules and hours of access wait; set it, or see timedatectl on it",
          "l’horloge de la machine de Hall n’a pas été synchronisée et retarde sur ce que Hall a "
          "noté auparavant" NBSP ": les horaires attendent" NNBSP
          "; mettez-la à l’heure, ou voir timedatectl sur celle-ci"}},
    [FACT_CLOCK_STOOD] =
        {"clock.stood",
         {{0}},
         {"the clock of Hall's machine was not synchronised and may have stood still while it was "
          "off: schedules and hours of access wait; set it, see timedatectl on it, or set "
          "clock.trust",
          "l’horloge de la machine de Hall n’a pas été synchronisée et s’est peut-être arrêtée "
          "pendant que la machine était éteinte" NBSP ": les horaires attendent" NNBSP
          "; mettez-la à l’heure, voir timedatectl sur celle-ci, ou réglez clock.trust"}},
    [FACT_CLOCK_APART] =
        {"clock.apart",
         {{0}},
         {"the clock of Hall's machine was not synchronised and its hardware clock shows another "
          "time: schedules and hours of access wait; set both (hwclock), see timedatectl on it, or "
          "set clock.trust",
          "l’horloge de la machine de Hall n’a pas été synchronisée et son horloge matérielle "
          "donne "
          "une autre heure" NBSP ": les horaires attendent" NNBSP
          "; mettez les deux à l’heure (hwclock), voir timedatectl sur celle-ci, ou réglez "
          "clock.trust"}},
    [FACT_CLOCK_PLAUSIBLE] =
        {"clock.plausible",
         {{0}},
         {"the clock of Hall's machine was not synchronised; nothing speaks against it, so "
          "schedules follow it; see timedatectl on it",
          "l’horloge de la machine de Hall n’a pas été synchronisée" NNBSP
          "; rien ne la contredit, les horaires la suivent donc" NNBSP
          "; voir timedatectl sur celle-ci"}},
    [FACT_STORE_PROBLEM] = {"store.problem", {TEXT("said")}, {"{said}", "{said}"}},
    [FACT_STORE_REPAIRED] = {"store.repaired",
                             {{0}},
                             {"the store works again", "la base de données fonctionne de nouveau"}},
    [FACT_STORE_SALVAGED] =
        {"store.salvaged",
         {TEXT("file"), NUMBER("records", 0), CAUSE},
         {"the database was damaged[ and is kept as {file}][; {records} records of servers, quotas "
          "and settings were read out of it][; {cause}]",
          "la base de données était endommagée[ et est conservée sous le nom {file}][" NNBSP
          "; {records} enregistrements de serveurs, de quotas et de réglages y ont été lus][" NNBSP
          "; {cause}]"}},
    [FACT_STORE_LOST] =
        {"store.lost",
         {TEXT("file"), CAUSE},
         {"the database was damaged[ and is kept as {file}]; no record of a server, a quota or a "
          "setting could be read out of it[; {cause}]",
          "la base de données était endommagée[ et est conservée sous le nom {file}]" NNBSP
          "; aucun enregistrement de serveur, de quota ou de réglage n’a pu y être lu[" NNBSP
          "; {cause}]"}},
    [FACT_STORE_COPIED] = {"store.copied",
                           {TEXT("copy"), NUMBER("rows", 0), CAUSE},
                           {"{rows} came from the nightly copy {copy}[; {cause}]",
                            "{rows} viennent de la copie nocturne {copy}[" NNBSP "; {cause}]"}},
    [FACT_STORE_HISTORY] =
        {"store.history",
         {TEXT("file"), NUMBER("entries", 0), NUMBER("lost", 1), CAUSE},
         {"the history[ of {file}] was gone through[: {entries} entries are back][; damaged pages: "
          "{lost}][; {cause}]",
          "l’historique[ de {file}] a été parcouru[" NBSP ": {entries} entrées retrouvées][" NNBSP
          "; pages endommagées" NBSP ": {lost}][" NNBSP "; {cause}]"}},

    [FACT_ACCESS_DENIED] = {"access.denied",
                            {TEXT("from"), SECOND("path"), CAUSE},
                            {"{from}[: {path}][: {cause}]",
                             "{from}[" NBSP ": {path}][" NBSP ": {cause}]"}},
    [FACT_REQUEST_DOUBLED] =
        {"request.doubled",
         {{0}},
         {"a header that may come once came twice (Host, Content-Length, Transfer-Encoding, "
          "Origin, X-Hall-Site or X-Forwarded-*); let the proxy replace such headers, not add to "
          "them",
          "un en-tête qui ne peut figurer qu’une fois est arrivé deux fois (Host, Content-Length, "
          "Transfer-Encoding, Origin, X-Hall-Site ou X-Forwarded-*)" NNBSP
          "; le proxy doit remplacer ces en-têtes, et non en ajouter"}},
    [FACT_REQUEST_BODY] = {"request.body",
                           {{0}},
                           {"Content-Length and Transfer-Encoding came together; send one of them",
                            "Content-Length et Transfer-Encoding sont arrivés ensemble" NNBSP
                            "; n’envoyez que l’un des deux"}},
    [FACT_REQUEST_LENGTH] = {"request.length",
                             {{0}},
                             {"Content-Length is missing, or is not a number of bytes; send one",
                              "Content-Length manque, ou n’est pas un nombre d’octets" NNBSP
                              "; envoyez-en un"}},
    [FACT_REQUEST_TOO_LONG] = {"request.too_long",
                               {NUMBER("most", 0)},
                               {"the address asked for is longer than {most} bytes",
                                "l’adresse demandée dépasse {most} octets"}},
    [FACT_REQUEST_HEADERS] = {"request.headers",
                              {NUMBER("most", 0)},
                              {"more than {most} header lines came; send fewer",
                               "plus de {most} lignes d’en-tête sont arrivées" NNBSP
                               "; envoyez-en moins"}},
    [FACT_REQUEST_LINE] = {"request.line",
                           {{0}},
                           {"a header line is broken: it must be \"Name: value\", on one line",
                            "une ligne d’en-tête est mal formée" NBSP
                            ": il faut un nom, un deux-points et une "
                            "valeur, sur une seule ligne"}},
    [FACT_REQUEST_HOST] = {"request.host",
                           {{0}},
                           {"the host asked for is neither a DNS name nor an IPv4 address",
                            "l’hôte demandé n’est ni un nom DNS ni une adresse IPv4"}},
    [FACT_REQUEST_PATH] =
        {"request.path",
         {{0}},
         {"the path of the address is not valid: it must begin with '/', without control "
          "characters, '#' or broken percent sequences",
          "l’adresse demandée n’est pas un chemin valide" NBSP ": elle doit commencer par «" NBSP
          "/" NBSP "», sans caractère de contrôle, ni «" NBSP "#" NBSP "», ni séquence «" NBSP
          "%" NBSP "» incorrecte"}},
    [FACT_REQUEST_DOUBTFUL] =
        {"request.doubtful",
         {{0}},
         {"the path names one site or another, depending on who reads it (encoded slashes, "
          "backslashes, dots, parameters or capitals); ask for it without them",
          "le chemin désigne un site ou un autre selon le programme qui le lit (barres obliques "
          "encodées ou inversées, points, paramètres ou majuscules)" NNBSP
          "; demandez-le sans cela"}},
    [FACT_REQUEST_TWO_HOSTS] = {"request.two_hosts",
                                {{0}},
                                {"the URL names another host than the one asked for",
                                 "l’URL désigne un autre hôte que celui qui est demandé"}},
    [FACT_REQUEST_BAD_METHOD] = {"request.bad_method",
                                 {{0}},
                                 {"the method is not a plain word",
                                  "la méthode n’est pas un simple mot"}},
    [FACT_REQUEST_FORWARDED_FOR] = {"request.forwarded_for",
                                    {{0}},
                                    {"X-Forwarded-For does not end with an IP address",
                                     "X-Forwarded-For ne se termine pas par une adresse IP"}},
    [FACT_REQUEST_UNTRUSTED] =
        {"request.untrusted",
         {{0}},
         {"only a trusted proxy may ask here; add its address to /http/trusted_proxies in the "
          "configuration",
          "seul un proxy de confiance peut interroger cette adresse" NNBSP
          "; ajoutez la sienne à /http/trusted_proxies dans la configuration"}},
    [FACT_REQUEST_BROKEN] = {"request.broken",
                             {{0}},
                             {"this is not a valid HTTP/1.1 request, or its method is unknown",
                              "ce n’est pas une requête HTTP/1.1 valide, ou sa méthode est "
                              "inconnue"}},
    [FACT_REQUEST_HEAD] = {"request.head",
                           {NUMBER("most_kb", 0)},
                           {"the head of the request is longer than {most_kb} KB; send less",
                            "l’en-tête de la requête dépasse {most_kb}" NNBSP "Kio" NNBSP
                            "; envoyez-en moins"}},
    [FACT_REQUEST_VERSION] = {"request.version",
                              {{0}},
                              {"Hall speaks HTTP/1.0 and HTTP/1.1 here",
                               "ici, Hall parle HTTP/1.0 et HTTP/1.1"}},
    [FACT_REQUEST_NO_PATH] =
        {"request.no_path",
         {{0}},
         {"Hall is no proxy: the request line must name a path that begins with '/'",
          "Hall n’est pas un proxy" NBSP ": la ligne de requête doit indiquer un chemin qui "
          "commence par «" NBSP "/" NBSP "»"}},
    [FACT_REQUEST_METHOD] = {"request.method",
                             {TEXT("allowed")},
                             {"the method is not among those of this address[: {allowed}]",
                              "la méthode n’est pas de celles que cette adresse accepte[" NBSP
                              ": {allowed}]"}},
    [FACT_ACCESS_ADDRESS] = {"access.address",
                             {{0}},
                             {"/access/allow or /access/deny of the domain keeps this address out",
                              "/access/allow ou /access/deny du domaine exclut cette adresse"}},
    [FACT_ACCESS_CLIENT] = {"access.client",
                            {{0}},
                            {"a rule of /access/monitors of the domain refuses this client",
                             "une règle de /access/monitors du domaine refuse ce client"}},
    [FACT_ACCESS_ASTRAY] =
        {"access.astray",
         {TEXT("to"), SITE},
         {"the proxy leads this request to another site[ (\"{to}\")] than its host and path name[ "
          "({site})]; use the configuration that hallctl proxy-config prints",
          "le proxy mène cette requête à un autre site[ («" NBSP "{to}" NBSP
          "»)] que celui que désignent son hôte et son chemin[ ({site})]" NNBSP
          "; utilisez la configuration qu’affiche hallctl proxy-config"}},
    [FACT_ACCESS_ORIGIN] = {"access.origin",
                            {{0}},
                            {"a page of another origin asked for this",
                             "cette demande vient d’une page d’une autre origine"}},
    [FACT_ACCESS_PROXIED] = {"access.proxied",
                             {{0}},
                             {"this is not given through a proxy; ask Hall itself",
                              "ceci n’est pas accessible à travers un proxy" NNBSP
                              "; interrogez Hall directement"}},
    [FACT_ACCESS_ADMIN_ADDRESS] =
        {"access.admin_address",
         {{0}},
         {"this address is not within /http/admin_allow; add it there if it is yours",
          "cette adresse n’est pas dans /http/admin_allow" NNBSP "; ajoutez-la si c’est la vôtre"}},
    [FACT_ACCESS_ADMIN_HOST] =
        {"access.admin_host",
         {{0}},
         {"the dashboard does not answer under this host name; add it to /http/admin_hosts if it "
          "is yours",
          "le tableau de bord ne répond pas sous ce nom d’hôte" NNBSP
          "; ajoutez-le à /http/admin_hosts si c’est le vôtre"}},
    [FACT_ACCESS_LOGIN] = {"access.login",
                           {{0}},
                           {"log in first, or send X-API-Key",
                            "connectez-vous d’abord, ou envoyez X-API-Key"}},
    [FACT_ACCESS_TOKEN] =
        {"access.token",
         {{0}},
         {"X-CSRF-Token is missing or wrong; GET /api/v1/session tells the right one",
          "X-CSRF-Token manque ou est incorrect" NNBSP "; GET /api/v1/session donne le bon"}},
    [FACT_ACCESS_KEY] = {"access.key",
                         {{0}},
                         {"the X-API-Key is wrong", "la clé X-API-Key est incorrecte"}},
    [FACT_ACCESS_NO_KEY] = {"access.no_key",
                            {{0}},
                            {"no API key is set; put one into HALL_API_KEY and restart Hall",
                             "aucune clé d’API n’est définie" NNBSP
                             "; mettez-en une dans HALL_API_KEY et redémarrez Hall"}},
    [FACT_ACCESS_MONITOR] =
        {"access.monitor",
         {{0}},
         {"this request looks like that of a monitor or robot, which wakes nothing: by its "
          "User-Agent, by HEAD or a GET right after it, or by a rule of /access/monitors",
          "cette requête ressemble à celle d’un outil de surveillance ou d’un robot, qui ne "
          "réveille rien" NBSP ": par son User-Agent, par HEAD ou un GET juste après, ou par une "
          "règle de /access/monitors"}},
    [FACT_ACCESS_WAKE_CLICK] =
        {"access.wake_click",
         {{0}},
         {"only the button on its page wakes this site (/access/wake is \"click\")",
          "seul le bouton de sa page réveille ce site (/access/wake vaut «" NBSP "click" NBSP
          "»)"}},
    [FACT_ACCESS_WAKE_PERSON] =
        {"access.wake_person",
         {{0}},
         {"only a person who opens it in a browser wakes this site (/access/wake is \"person\"); "
          "programs are answered once it is awake",
          "seule une personne qui l’ouvre dans un navigateur réveille ce site (/access/wake vaut "
          "«" NBSP "person" NBSP "»)" NNBSP "; les programmes obtiennent une réponse une fois "
          "qu’il est réveillé"}},
    [FACT_ACCESS_MORE] = {"access.more",
                          {{0}},
                          {"more than can be told apart in an hour",
                           "plus qu’il n’est possible d’en distinguer en une heure"}},
    [FACT_SITE_UNKNOWN_HOST] =
        {"site.unknown_host",
         {{0}},
         {"Hall has no domain of this name; add it to /domains in the configuration",
          "Hall n’a aucun domaine de ce nom" NNBSP
          "; ajoutez-le à /domains dans la configuration"}},
    [FACT_SITE_UNKNOWN_PATH] =
        {"site.unknown_path",
         {{0}},
         {"this path is in no project of the domain, and the domain has no upstream",
          "ce chemin n’appartient à aucun projet du domaine, et le domaine n’a pas d’upstream"}},
    [FACT_SITE_HELPER] =
        {"site.helper",
         {{0}},
         {"this is one of Hall's own addresses; let the proxy send /.hall/ straight to Hall",
          "c’est l’une des adresses propres à Hall" NNBSP
          "; le proxy doit envoyer /.hall/ directement à Hall"}},
    [FACT_SITE_NO_UPSTREAM] =
        {"site.no_upstream",
         {{0}},
         {"the site is ready, but Hall does not know where: give it an \"upstream\" in the "
          "configuration, or let a reverse proxy ask /auth",
          "le site est prêt, mais Hall ne sait pas où" NBSP ": donnez-lui un «" NBSP "upstream" NBSP
          "» dans la configuration, ou faites interroger /auth par un reverse proxy"}},
    [FACT_SABLIER_NEITHER] = {"sablier.neither",
                              {{0}},
                              {"'names' or 'group' must be given",
                               "«" NBSP "names" NBSP "» ou «" NBSP "group" NBSP
                               "» doit être indiqué"}},
    [FACT_SABLIER_BOTH] = {"sablier.both",
                           {{0}},
                           {"'names' and 'group' exclude each other; give one of them",
                            "«" NBSP "names" NBSP "» et «" NBSP "group" NBSP "» s’excluent" NNBSP
                            "; indiquez l’un des deux"}},
    [FACT_SABLIER_BROKEN] = {"sablier.broken",
                             {{0}},
                             {"a parameter is empty, too long, or not percent-encoded rightly",
                              "un paramètre est vide, trop long ou mal encodé"}},
    [FACT_SABLIER_DURATION] =
        {"sablier.duration",
         {{0}},
         {"session_duration, refresh_frequency and timeout are durations, such as 5m or 1h30m",
          "session_duration, refresh_frequency et timeout sont des durées, par exemple 5m ou "
          "1h30m"}},
    [FACT_SABLIER_TOO_MANY] = {"sablier.too_many",
                               {NUMBER("most", 0)},
                               {"more than {most} names came; use a group, or fewer names",
                                "plus de {most} noms sont arrivés" NNBSP
                                "; utilisez un groupe, ou moins de noms"}},
    [FACT_SABLIER_NO_NAME] = {"sablier.no_name",
                              {TEXT("name")},
                              {"Hall has no project, container or domain of this name[: {name}]",
                               "Hall n’a aucun projet, conteneur ou domaine de ce nom[" NBSP
                               ": {name}]"}},
    [FACT_SABLIER_NO_GROUP] = {"sablier.no_group",
                               {TEXT("name")},
                               {"Hall has no domain of this name[: {name}]",
                                "Hall n’a aucun domaine de ce nom[" NBSP ": {name}]"}},
    [FACT_SABLIER_LATE] = {"sablier.late",
                           {{0}},
                           {"not everything asked for was ready in time; ask again",
                            "tout ce qui a été demandé n’a pas été prêt à temps" NNBSP
                            "; redemandez"}},

    [FACT_COMMAND_EMPTY] = {"command.empty", {{0}}, {"empty", "vide"}},
    [FACT_COMMAND_NO_TOPIC] = {"command.no_topic",
                               {{0}},
                               {"this topic takes no commands",
                                "ce topic n’accepte pas de commandes"}},
    [FACT_COMMAND_WORD] = {"command.word",
                           {TEXT("found"), SECOND("allowed")},
                           {"not understood[: \"{found}\"]; allowed: {allowed}, or "
                            "JSON with an \"action\"",
                            "non compris[" NBSP ": «" NBSP "{found}" NBSP "»]" NNBSP
                            "; autorisé" NBSP ": {allowed}, ou du JSON avec «" NBSP "action" NBSP
                            "»"}},
    [FACT_COMMAND_SWITCH] = {"command.switch",
                             {TEXT("found")},
                             {"not understood[: \"{found}\"]; allowed: ON, OFF",
                              "non compris[" NBSP ": «" NBSP "{found}" NBSP "»]" NNBSP
                              "; autorisé" NBSP ": ON, OFF"}},
    [FACT_COMMAND_POLICY] =
        {"command.policy",
         {TEXT("found")},
         {"not understood[: \"{found}\"]; allowed: always_on, scheduled, on_demand, "
          "or nothing for the configured one",
          "non compris[" NBSP ": «" NBSP "{found}" NBSP "»]" NNBSP "; autorisé" NBSP
          ": always_on, scheduled, on_demand, ou rien pour la politique configurée"}},
    [FACT_COMMAND_MINUTES] = {"command.minutes",
                              {TEXT("found"), NUMBER("most", 0)},
                              {"not understood[: \"{found}\"]; allowed: whole minutes, 1 to {most}",
                               "non compris[" NBSP ": «" NBSP "{found}" NBSP "»]" NNBSP
                               "; autorisé" NBSP ": un nombre entier de minutes, de 1 à {most}"}},
    [FACT_COMMAND_HOLD] =
        {"command.hold",
         {TEXT("found")},
         {"not understood[: \"{found}\"]; allowed: JSON with \"for\" or \"until\", "
          "or nothing to release",
          "non compris[" NBSP ": «" NBSP "{found}" NBSP "»]" NNBSP "; autorisé" NBSP
          ": du JSON avec «" NBSP "for" NBSP "» ou «" NBSP "until" NBSP
          "», ou rien pour y mettre fin"}},
    [FACT_COMMAND_NO_ACTION] = {"command.no_action",
                                {TEXT("allowed")},
                                {"\"action\" is missing; allowed: {allowed}",
                                 "«" NBSP "action" NBSP "» manque" NNBSP "; autorisé" NBSP
                                 ": {allowed}"}},
    [FACT_COMMAND_ACTION] = {"command.action",
                             {TEXT("found"), SECOND("allowed")},
                             {"\"action\"[ is \"{found}\", which] is not known; allowed: {allowed}",
                              "«" NBSP "action" NBSP "»[ vaut «" NBSP "{found}" NBSP
                              "», qui] est inconnue" NNBSP "; autorisé" NBSP ": {allowed}"}},
    [FACT_COMMAND_UNKNOWN_KEY] = {"command.unknown_key",
                                  {TEXT("key"), SECOND("allowed")},
                                  {"the key \"{key}\" is unknown; allowed: {allowed}",
                                   "la clé «" NBSP "{key}" NBSP "» est inconnue" NNBSP
                                   "; autorisé" NBSP ": {allowed}"}},
    [FACT_COMMAND_TEXT] = {"command.text",
                           {TEXT("key"), SECOND("found")},
                           {"\"{key}\" is {found}; allowed: a string",
                            "«" NBSP "{key}" NBSP "» est de type {found}" NNBSP "; autorisé" NBSP
                            ": une chaîne de caractères"}},
    [FACT_COMMAND_BLANK] = {"command.blank",
                            {TEXT("key")},
                            {"\"{key}\" is empty; give it a value, or leave it out",
                             "«" NBSP "{key}" NBSP "» est vide" NNBSP
                             "; donnez-lui une valeur, ou omettez-le"}},
    [FACT_COMMAND_LENGTH] = {"command.length",
                             {TEXT("key"), NUMBER("bytes", 0), NUMBER("most", 1)},
                             {"\"{key}\" has {bytes} bytes; allowed: at most {most}",
                              "«" NBSP "{key}" NBSP "» a {bytes} octets" NNBSP "; autorisé" NBSP
                              ": {most} au plus"}},
    [FACT_COMMAND_CONTROL] = {"command.control",
                              {TEXT("key")},
                              {"\"{key}\" has control characters; allowed: printable text",
                               "«" NBSP "{key}" NBSP "» contient des caractères de contrôle" NNBSP
                               "; autorisé" NBSP ": du texte imprimable"}},
    [FACT_COMMAND_FORCE] = {"command.force",
                            {TEXT("found")},
                            {"\"force\" is {found}; allowed: true or false",
                             "«" NBSP "force" NBSP "» est de type {found}" NNBSP "; autorisé" NBSP
                             ": true ou false"}},
    [FACT_COMMAND_DURATION] =
        {"command.duration",
         {TEXT("found")},
         {"\"for\" is not a duration from 1s to 30d, such as \"30m\" or \"1h30m\"[: \"{found}\"]",
          "«" NBSP "for" NBSP "» n’est pas une durée de 1s à 30d, telle que «" NBSP "30m" NBSP
          "» ou «" NBSP "1h30m" NBSP "»[" NBSP ": «" NBSP "{found}" NBSP "»]"}},
    [FACT_COMMAND_TIME] =
        {"command.time",
         {TEXT("key"), SECOND("found")},
         {"\"{key}\" is not a time such as \"2026-11-22T09:28:29Z\"[: \"{found}\"]",
          "«" NBSP "{key}" NBSP "» n’est pas une date selon la norme RFC 3339[" NBSP ": «" NBSP
          "{found}" NBSP "»]"}},
    [FACT_COMMAND_EXPIRED] = {"command.expired",
                              {{"expires", PARAM_INSTANT, 0}, {"now", PARAM_INSTANT, 1}},
                              {"it expired at {expires}, and it is {now} now",
                               "elle a expiré à {expires}, et il est maintenant {now}"}},
    [FACT_COMMAND_OVER] = {"command.over",
                           {{"until", PARAM_INSTANT, 0}},
                           {"\"until\" is {until}, which is over: the hold has expired",
                            "«" NBSP "until" NBSP "» vaut {until}, ce qui est passé" NBSP
                            ": le maintien a expiré"}},
    [FACT_COMMAND_FAR] = {"command.far",
                          {{"until", PARAM_INSTANT, 0}},
                          {"\"until\" is {until}; allowed: at most 30d from now",
                           "«" NBSP "until" NBSP "» vaut {until}" NNBSP "; autorisé" NBSP
                           ": dans 30 jours au plus"}},
    [FACT_COMMAND_FOR] = {"command.for",
                          {{"action", PARAM_ACTION, 0}},
                          {"\"for\" goes with wake only, not with {action}",
                           "«" NBSP "for" NBSP "» ne va qu’avec wake, et non avec" NBSP
                           ": {action}"}},
    [FACT_COMMAND_TWO_ENDS] = {"command.two_ends",
                               {{0}},
                               {"\"for\" and \"until\" are both given; allowed: one of them",
                                "«" NBSP "for" NBSP "» et «" NBSP "until" NBSP
                                "» sont tous deux indiqués" NNBSP "; autorisé" NBSP
                                ": l’un des deux"}},
    [FACT_COMMAND_NO_END] = {"command.no_end",
                             {{0}},
                             {"a hold needs an end: \"for\", such as \"2h\", or \"until\"",
                              "un maintien a besoin d’une fin" NBSP ": «" NBSP "for" NBSP
                              "», par exemple «" NBSP "2h" NBSP "», ou «" NBSP "until" NBSP "»"}},

    [FACT_RELAY_REFUSED] = {"relay.refused",
                            {TEXT("relay"), SECOND("said")},
                            {"relay {relay} refused it[: {said}]",
                             "le relais {relay} l’a refusé[" NBSP ": {said}]"}},
    [FACT_RELAY_FAILED] = {"relay.failed",
                           {TEXT("relay"), SECOND("said")},
                           {"relay {relay} could not send it[: {said}]",
                            "le relais {relay} n’a pas pu l’envoyer[" NBSP ": {said}]"}},
    [FACT_RELAY_SILENT] = {"relay.silent",
                           {TEXT("relay")},
                           {"relay {relay} did not answer", "le relais {relay} n’a pas répondu"}},
    [FACT_RELAY_NO_BROKER] = {"relay.no_broker",
                              {TEXT("relay")},
                              {"the broker is not connected, so relay {relay} cannot be asked",
                               "le broker n’est pas connecté" NNBSP
                               "; le relais {relay} ne peut pas être interrogé"}},
    [FACT_RELAY_OFFLINE] = {"relay.offline",
                            {TEXT("relay")},
                            {"relay {relay} is offline", "le relais {relay} est hors ligne"}},
    [FACT_RELAY_UNHEARD] = {"relay.unheard",
                            {TEXT("relay")},
                            {"relay {relay} has not been heard of",
                             "le relais {relay} ne s’est pas encore annoncé"}},
    [FACT_RELAY_FULL] = {"relay.full",
                         {{0}},
                         {"too many packets wait for an answer of relays",
                          "trop de paquets attendent la réponse d’un relais"}},
};

bool say_has_cause(enum fact_code code)
{
    for (const struct say_param *param = say_rows[code].params; param->name; param++)
        if (param->kind == PARAM_CAUSE)
            return true;
    return false;
}

/* ---- words of closed lists ---- */

/* Guards and policies are options of the configuration, and stay as they are written there.
 * "someone" stands for who did not say who he is. */
static const struct french {
    uint8_t kind;
    const char *word, *french;
} french[] = {
    {PARAM_STAGE, "packet_sent", "paquet envoyé"},
    {PARAM_STAGE, "first_sign", "premier signe de vie"},
    {PARAM_STAGE, "agent_online", "agent en ligne"},
    {PARAM_STAGE, "docker_up", "Docker démarré"},
    {PARAM_STAGE, "container_present", "conteneurs présents"},
    {PARAM_STAGE, "container_healthy", "conteneurs en bon état"},
    {PARAM_STAGE, "site_answers", "le site répond"},
    {PARAM_STAGE, "none", "aucune"},
    {PARAM_ACTION, "wake", "réveil"},
    {PARAM_ACTION, "sleep", "mise en veille"},
    {PARAM_ACTION, "restart", "redémarrage"},
    {PARAM_ACTION, "cancel", "annulation"},
    {PARAM_ACTION, "policy", "changement de politique"},
    {PARAM_ACTION, "idle", "changement d’inactivité"},
    {PARAM_ACTION, "keep_awake", "keep_awake"},
    {PARAM_ACTION, "hold", "maintien"},
    {PARAM_ACTION, "release", "fin de maintien"},
    {PARAM_ACTION, "start", "démarrage"},
    {PARAM_ACTION, "stop", "arrêt"},
    {PARAM_ACTION, "announce", "annonce"},
    {PARAM_ACTION, "reload", "rechargement"},
    {PARAM_ACTION, "command", "commande"},
    {PARAM_POLICY, "always_on", "toujours allumé"},
    {PARAM_POLICY, "scheduled", "planifié"},
    {PARAM_POLICY, "on_demand", "à la demande"},
    {PARAM_STATE, "unknown", "inconnu"},
    {PARAM_STATE, "off", "éteint"},
    {PARAM_STATE, "waking", "en cours de réveil"},
    {PARAM_STATE, "booting", "en cours de démarrage"},
    {PARAM_STATE, "ready", "prêt"},
    {PARAM_STATE, "degraded", "dégradé"},
    {PARAM_STATE, "sleeping", "en train de s’endormir"},
    {PARAM_STATE, "unreachable", "injoignable"},
    {PARAM_STATE, "wake_failed", "réveil échoué"},
    {PARAM_VERB, "start", "démarrage"},
    {PARAM_VERB, "stop", "arrêt"},
    {PARAM_VERB, "restart", "redémarrage"},
    {PARAM_STREAM, "download", "téléchargement"},
    {PARAM_STREAM, "upload", "envoi"},
    {PARAM_STREAM, "open request", "requête en attente"},
    {PARAM_KIND, "resume", "sortie de veille"},
    {PARAM_KIND, "cold_boot", "démarrage à froid"},
    {PARAM_TEXT, "someone", "quelqu’un"},
};

const char *say_word_shown(enum param_kind kind, const char *word, enum say_language language)
{
    for (size_t i = 0; language == SAY_FRENCH && i < ARRAY_SIZE(french); i++)
        if (french[i].kind == kind && strcmp(french[i].word, word) == 0)
            return french[i].french;
    return word;
}
