#include "config/wording.h"

#include <string.h>

#include "base/holes.h"
#include "base/number.h"
#include "base/text.h"
#include "base/zone.h"

#define NBSP  "\u00a0" /* before a French colon */
#define NNBSP "\u202f" /* before a French semicolon and question mark */

enum param_kind { PARAM_TEXT, PARAM_NUMBER, PARAM_SPAN, PARAM_WORDING };

struct param {
    const char *name;
    enum param_kind kind;
    size_t place; /* of its text or number in the phrase */
};

/* clang-format off */
#define TEXT(name_) {name_, PARAM_TEXT, 0}
#define SECOND(name_) {name_, PARAM_TEXT, 1}
#define NUMBER(name_, place_) {name_, PARAM_NUMBER, place_}
#define SPAN(name_, place_) {name_, PARAM_SPAN, place_}
#define WORDING(name_) {name_, PARAM_WORDING, 0}
/* clang-format on */

static const struct row {
    const char *name;
    struct param params[PHRASE_PARAMS_MAX + 1];
    const char *texts[CONFIG_LANGUAGES];
} rows[WORDINGS] = {
    /* what was found */
    [WORDING_VALUE] = {"value", {TEXT("value")}, {"{value}", "{value}"}},
    [WORDING_ARRAY] = {"array", {NUMBER("n", 0)}, {"an array of {n}", "un tableau de {n}"}},
    [WORDING_OBJECT] = {"object", {{0}}, {"an object", "un objet"}},
    [WORDING_NOTHING] = {"nothing", {{0}}, {"nothing", "rien"}},
    [WORDING_LONG_TEXT] = {"long_text",
                           {NUMBER("bytes", 0)},
                           {"a text of {bytes} bytes", "un texte de {bytes} octets"}},
    [WORDING_ENTRIES] = {"entries", {NUMBER("n", 0)}, {"{n} entries", "{n} entrées"}},
    [WORDING_EMPTY_NAME] = {"empty_name", {{0}}, {"an empty name", "un nom vide"}},
    [WORDING_NAME] = {"name", {TEXT("name")}, {"{name}", "{name}"}},
    [WORDING_UNKNOWN_KEY] = {"unknown_key", {{0}}, {"an unknown key", "une clé inconnue"}},
    [WORDING_A_SECRET] = {"a_secret", {{0}}, {"a secret", "un secret"}},
    [WORDING_NONE_OF_THEM] = {"none_of_them", {{0}}, {"none of them", "aucune d’elles"}},
    [WORDING_SEVERAL] = {"several", {{0}}, {"several", "plusieurs"}},
    [WORDING_NO_SERVER] = {"no_server",
                           {TEXT("server")},
                           {"\"{server}\", which is no server",
                            "\"{server}\", qui n’est pas un serveur"}},
    [WORDING_SHARED] = {"shared",
                        {TEXT("value"), SECOND("server")},
                        {"{value}, which server {server} has too",
                         "{value}, que le serveur {server} a aussi"}},
    [WORDING_ITSELF] = {"itself", {{0}}, {"the server itself", "le serveur lui-même"}},
    [WORDING_SERVER_TWICE] = {"server_twice",
                              {{0}},
                              {"the same server twice", "deux fois le même serveur"}},
    [WORDING_CYCLE] = {"cycle", {TEXT("path")}, {"a cycle: {path}", "un cycle" NBSP ": {path}"}},
    [WORDING_HOST_TWICE] = {"host_twice",
                            {{0}},
                            {"a host name that is there already (case does not count)",
                             "un nom d’hôte déjà présent (sans tenir compte de la casse)"}},
    [WORDING_PATH_OF] = {"path_of",
                         {TEXT("project")},
                         {"the path of project {project}", "le chemin du projet {project}"}},
    [WORDING_PROJECT_TWICE] = {"project_twice",
                               {TEXT("domain")},
                               {"an id that a project of {domain} has too",
                                "un identifiant qu’a aussi un projet de {domain}"}},
    [WORDING_CHECKS] = {"checks",
                        {NUMBER("n", 0)},
                        {"{n} checks, those of its sites included",
                         "{n} contrôles, ceux de ses sites compris"}},
    [WORDING_OWN_TOPIC] = {"own_topic", {{0}}, {"a topic of Hall's own", "un topic propre à Hall"}},
    [WORDING_EMPTY_WINDOW] = {"empty_window",
                              {{0}},
                              {"a window that ends when it begins",
                               "une plage qui finit quand elle commence"}},
    [WORDING_SAME_WINDOW] = {"same_window",
                             {NUMBER("n", 0)},
                             {"the same window as number {n}", "la même plage que le numéro {n}"}},
    [WORDING_DATE_TWICE] = {"date_twice",
                            {TEXT("date"), NUMBER("n", 0)},
                            {"{date}, which is in number {n} already",
                             "{date}, déjà dans le numéro {n}"}},
    [WORDING_DATES_ALONE] = {"dates_alone",
                             {{0}},
                             {"dates without windows", "des dates sans plages"}},
    [WORDING_NO_WINDOW] = {"no_window", {{0}}, {"none", "aucune"}},
    [WORDING_MODE_MISSING] = {"mode_missing",
                              {{0}},
                              {"nothing beside windows", "rien à côté des plages"}},
    [WORDING_WINDOWS_WITH] = {"windows_with",
                              {TEXT("mode")},
                              {"windows with mode \"{mode}\"",
                               "des plages avec le mode \"{mode}\""}},
    [WORDING_OTHERWISE_WITH] = {"otherwise_with",
                                {TEXT("mode")},
                                {"it with mode \"{mode}\"", "cette clé avec le mode \"{mode}\""}},
    [WORDING_QUOTA_TWICE] = {"quota_twice",
                             {{0}},
                             {"a quota that the project has outside its access too",
                              "un quota que le projet a aussi hors de son accès"}},
    [WORDING_RULE_FOR_ALL] = {"rule_for_all",
                              {{0}},
                              {"a rule that fits everybody",
                               "une règle qui vaut pour tout le monde"}},
    [WORDING_OTHER_WAY] = {"other_way",
                           {TEXT("object"), SECOND("via")},
                           {"settings of {object} beside via {via}",
                            "des réglages de {object} à côté de via {via}"}},
    [WORDING_HEADER_TWICE] = {"header_twice",
                              {{0}},
                              {"a header that is there already (case does not count)",
                               "un en-tête déjà présent (sans tenir compte de la casse)"}},
    [WORDING_NOT_SET] = {"not_set",
                         {TEXT("variable")},
                         {"\"{variable}\", which is not set",
                          "\"{variable}\", qui n’est pas définie"}},
    /* what is allowed, of texts */
    [WORDING_ANY_TEXT] = {"any_text", {{0}}, {"a text", "un texte"}},
    [WORDING_TEXT] = {"text",
                      {{0}},
                      {"a text, not empty, without control characters",
                       "un texte non vide, sans caractères de contrôle"}},
    [WORDING_SLUG] = {"slug",
                      {{0}},
                      {"an id of 1 to 64 characters a-z, 0-9, '_' and '-'",
                       "un identifiant de 1 à 64 caractères a-z, 0-9, \"_\" et \"-\""}},
    [WORDING_METHOD] = {"method",
                        {{0}},
                        {"a method in capital letters, as \"HEAD\"",
                         "une méthode en majuscules, comme \"HEAD\""}},
    [WORDING_ZONE] = {"zone",
                      {{0}},
                      {"a time zone that " ZONE_DIRECTORY " has, as \"Europe/Paris\" or \"UTC\"",
                       "un fuseau horaire présent dans " ZONE_DIRECTORY
                       ", comme \"Europe/Paris\" ou \"UTC\""}},
    [WORDING_INTERFACE] = {"interface",
                           {{0}},
                           {"the name of a network interface, as \"eth0\"",
                            "le nom d’une interface réseau, comme \"eth0\""}},
    [WORDING_FILE] = {"file", {{0}}, {"the path of a file", "le chemin d’un fichier"}},
    [WORDING_CONTAINER] = {"container",
                           {{0}},
                           {"the name of a container, as \"client1-web\"",
                            "le nom d’un conteneur, comme \"client1-web\""}},
    [WORDING_IPV4] = {"ipv4",
                      {{0}},
                      {"an IPv4 address, as \"192.168.1.255\"",
                       "une adresse IPv4, comme \"192.168.1.255\""}},
    [WORDING_MACHINE] = {"machine",
                         {{0}},
                         {"an IPv4 address, as \"192.168.1.20\"",
                          "une adresse IPv4, comme \"192.168.1.20\""}},
    [WORDING_ONE_MACHINE] = {"one_machine",
                             {{0}},
                             {"the IPv4 address of one machine: not 0.x, multicast or broadcast",
                              "l’adresse IPv4 d’une seule machine" NBSP
                              ": ni 0.x, ni multicast, ni diffusion"}},
    [WORDING_CIDR] =
        {"cidr",
         {{0}},
         {"an IPv4 or IPv6 range with its host bits zero, as \"192.168.1.0/24\" or "
          "\"2001:db8::/32\", or one address",
          "une plage IPv4 ou IPv6 dont les bits d’hôte sont à zéro, comme \"192.168.1.0/24\" ou "
          "\"2001:db8::/32\", ou une adresse"}},
    [WORDING_ENDPOINT] = {"endpoint",
                          {{0}},
                          {"an IPv4 address and a port, as \"127.0.0.1:8880\"",
                           "une adresse IPv4 et un port, comme \"127.0.0.1:8880\""}},
    [WORDING_MAC] = {"mac",
                     {{0}},
                     {"a MAC, as \"aa:bb:cc:dd:ee:01\"",
                      "une adresse MAC, comme \"aa:bb:cc:dd:ee:01\""}},
    [WORDING_ONE_MAC] = {"one_mac",
                         {{0}},
                         {"the MAC of one network card: not zero, multicast or broadcast",
                          "l’adresse MAC d’une seule carte réseau" NBSP
                          ": ni zéro, ni multicast, ni diffusion"}},
    [WORDING_SECUREON] =
        {"secureon",
         {{0}},
         {"6 or 4 bytes, as \"11:22:33:44:55:66\", \"11:22:33:44\" or \"17.34.51.68\"",
          "6 ou 4 octets, comme \"11:22:33:44:55:66\", \"11:22:33:44\" ou \"17.34.51.68\""}},
    [WORDING_DAYS] =
        {"days",
         {{0}},
         {"days of mon tue wed thu fri sat sun, as \"mon-fri\", \"mon,wed\" or \"daily\"",
          "des jours parmi mon tue wed thu fri sat sun, comme \"mon-fri\", \"mon,wed\" ou "
          "\"daily\""}},
    [WORDING_TIME_FROM] = {"time_from",
                           {{0}},
                           {"a time from \"00:00\" to \"23:59\"",
                            "une heure de \"00:00\" à \"23:59\""}},
    [WORDING_TIME_TO] = {"time_to",
                         {{0}},
                         {"a time from \"00:00\" to \"24:00\"",
                          "une heure de \"00:00\" à \"24:00\""}},
    [WORDING_DATE] =
        {"date",
         {{0}},
         {"a date of the calendar, as \"2026-12-25\", or \"12-25\" for every year",
          "une date du calendrier, comme \"2026-12-25\", ou \"12-25\" pour chaque année"}},
    [WORDING_USER] =
        {"user",
         {{0}},
         {"the name of a user: letters, digits, '_', '-' and '.', a letter or '_' first",
          "le nom d’un utilisateur" NBSP
          ": lettres, chiffres, \"_\", \"-\" et \".\", en commençant par une lettre ou \"_\""}},
    [WORDING_HOST_KEY] =
        {"host_key",
         {{0}},
         {"a public host key as in /etc/ssh/ssh_host_ed25519_key.pub of the server: \"ssh-ed25519 "
          "AAAA...\"; ecdsa and rsa too",
          "une clé d’hôte publique, comme dans /etc/ssh/ssh_host_ed25519_key.pub du serveur" NBSP
          ": \"ssh-ed25519 AAAA...\"" NNBSP "; ecdsa et rsa aussi"}},
    [WORDING_KEY_FILE] = {"key_file",
                          {{0}},
                          {"the absolute path of a file, without \" \\ % $ and ~",
                           "le chemin absolu d’un fichier, sans \" \\ % $ ni ~"}},
    [WORDING_HEADER] = {"header",
                        {{0}},
                        {"the name of an HTTP header, as \"Authorization\"",
                         "le nom d’un en-tête HTTP, comme \"Authorization\""}},
    [WORDING_FREE_HEADER] = {"free_header",
                             {{0}},
                             {"a header other than Host, Content-Length, Transfer-Encoding, "
                              "Upgrade, Connection and Expect, which Hall sets",
                              "un autre en-tête que Host, Content-Length, Transfer-Encoding, "
                              "Upgrade, Connection et Expect, que Hall définit"}},
    [WORDING_VARIABLE] = {"variable",
                          {{0}},
                          {"the name of a variable of the environment that begins with "
                           "HALL_SECRET_, as \"HALL_SECRET_NAS\"",
                           "le nom d’une variable d’environnement qui commence par HALL_SECRET_, "
                           "comme \"HALL_SECRET_NAS\""}},
    [WORDING_FREE_VARIABLE] = {"free_variable",
                               {{0}},
                               {"a name other than HALL_SECRET_KEY, which is Hall's own",
                                "un autre nom que HALL_SECRET_KEY, qui est propre à Hall"}},
    [WORDING_HOST] =
        {"host",
         {{0}},
         {"a host name of letters, digits, '-' and '.', as \"app.example.org\"",
          "un nom d’hôte fait de lettres, chiffres, \"-\" et \".\", comme \"app.example.org\""}},
    [WORDING_ASCII_HOST] = {"ascii_host",
                            {{0}},
                            {"a host name in its ASCII form, as \"xn--bcher-kva.example\"",
                             "un nom d’hôte sous sa forme ASCII, comme \"xn--bcher-kva.example\""}},
    [WORDING_HOST_ALONE] =
        {"host_alone",
         {{0}},
         {"a host name alone, without scheme, port or path, as \"app.example.org\"",
          "un nom d’hôte seul, sans schéma, port ni chemin, comme \"app.example.org\""}},
    [WORDING_HTTP_URL] =
        {"http_url",
         {{0}},
         {"a URL http://HOST[:PORT][/PATH] or https://..., as \"http://192.168.1.20:8080\"",
          "une URL http://HOST[:PORT][/PATH] ou https://..., comme \"http://192.168.1.20:8080\""}},
    [WORDING_UPSTREAM_URL] = {"upstream_url",
                              {{0}},
                              {"a URL http://HOST[:PORT][/PATH] or https://..., as "
                               "\"http://192.168.1.20:8080\", or for gRPC "
                               "h2c://HOST[:PORT]",
                               "une URL http://HOST[:PORT][/PATH] ou https://..., comme "
                               "\"http://192.168.1.20:8080\", ou "
                               "pour gRPC h2c://HOST[:PORT]"}},
    [WORDING_URL_WITHOUT_USER] =
        {"url_without_user",
         {{0}},
         {"a URL without user and password; secrets belong in the environment file",
          "une URL sans utilisateur ni mot de passe" NNBSP
          "; les secrets vont dans le fichier d’environnement"}},
    [WORDING_MQTT_URL] = {"mqtt_url",
                          {{0}},
                          {"mqtt://HOST[:PORT], mqtts://HOST[:PORT] or mqtt+unix:///PATH",
                           "mqtt://HOST[:PORT], mqtts://HOST[:PORT] ou mqtt+unix:///PATH"}},
    [WORDING_MQTT_UNIX] =
        {"mqtt_unix",
         {{0}},
         {"mqtt+unix:// and the absolute path of a socket, of at most 107 bytes",
          "mqtt+unix:// suivi du chemin absolu d’une socket, de 107 octets au plus"}},
    [WORDING_MQTT_WITHOUT_USER] =
        {"mqtt_without_user",
         {{0}},
         {"a URL without user and password: the user in \"username\", the password in "
          "HALL_MQTT_PASSWORD",
          "une URL sans utilisateur ni mot de passe" NBSP
          ": l’utilisateur dans \"username\", le mot de passe dans HALL_MQTT_PASSWORD"}},
    [WORDING_PATH] =
        {"path",
         {{0}},
         {"a path such as \"/client1\": no query, no escapes, no empty, '.' or '..' segments",
          "un chemin comme \"/client1\"" NBSP
          ": sans requête, sans échappements, sans segment vide, \".\" ou \"..\""}},
    [WORDING_PATH_SLASH] = {"path_slash",
                            {{0}},
                            {"a path that begins with '/', as \"/client1\"",
                             "un chemin qui commence par \"/\", comme \"/client1\""}},
    [WORDING_PATH_END] = {"path_end",
                          {{0}},
                          {"a path without '/' at its end, as \"/client1\"",
                           "un chemin sans \"/\" à la fin, comme \"/client1\""}},
    [WORDING_HEALTH] =
        {"health",
         {{0}},
         {"a path on the upstream, as \"/health\" or \"/health?full=1\"",
          "un chemin sur le serveur amont, comme \"/health\" ou \"/health?full=1\""}},
    [WORDING_TOPIC] = {"topic",
                       {{0}},
                       {"a topic such as \"hall\" or \"home/hall\": no '+' or '#', no '$' in "
                        "front, no empty level",
                        "un topic comme \"hall\" ou \"home/hall\"" NBSP
                        ": sans \"+\" ni \"#\", sans \"$\" au début, sans niveau vide"}},
    [WORDING_RATE] = {"rate",
                      {{0}},
                      {"bytes a second, as \"500B/s\", \"100kB/s\" or \"1.5MB/s\"; or \"off\"",
                       "des octets par seconde, comme \"500B/s\", \"100kB/s\" ou \"1.5MB/s\"" NNBSP
                       "; ou \"off\""}},
    [WORDING_PROCESS] = {"process",
                         {{0}},
                         {"the name of a process as in /proc/PID/comm, without a path",
                          "le nom d’un processus, comme dans /proc/PID/comm, sans chemin"}},
    [WORDING_PROGRAM] = {"program",
                         {{0}},
                         {"an absolute path of a program", "le chemin absolu d’un programme"}},
    /* what is allowed, of other values */
    [WORDING_INTEGER] = {"integer",
                         {NUMBER("from", 0), NUMBER("to", 1)},
                         {"a whole number from {from} to {to}",
                          "un nombre entier de {from} à {to}"}},
    [WORDING_INTEGER_OR_NONE] = {"integer_or_none",
                                 {NUMBER("from", 0), NUMBER("to", 1)},
                                 {"a whole number from {from} to {to}; leave it out for no limit",
                                  "un nombre entier de {from} à {to}" NNBSP
                                  "; sans cette clé il n’y a pas de limite"}},
    [WORDING_NUMBER] = {"number",
                        {NUMBER("from", 0), NUMBER("to", 1)},
                        {"a number from {from} to {to}", "un nombre de {from} à {to}"}},
    [WORDING_BOOL] = {"bool", {{0}}, {"true or false", "true ou false"}},
    [WORDING_DURATION] = {"duration",
                          {SPAN("from", 0), SPAN("to", 1)},
                          {"a duration from {from} to {to}, as \"90s\", \"20m\" or \"1h30m\"",
                           "une durée de {from} à {to}, comme \"90s\", \"20m\" ou \"1h30m\""}},
    [WORDING_CHOICE] = {"choice", {TEXT("values")}, {"{values}", "{values}"}},
    [WORDING_STATUS] = {"status",
                        {{0}},
                        {"an HTTP status from 100 to 599, \"2xx\" or \"200-299\"",
                         "un statut HTTP de 100 à 599, \"2xx\" ou \"200-299\""}},
    [WORDING_LIST] = {"list",
                      {NUMBER("most", 0)},
                      {"an array of at most {most}", "un tableau de {most} au plus"}},
    [WORDING_LIST_OR_BOOL] = {"list_or_bool",
                              {NUMBER("most", 0)},
                              {"an array of at most {most}, true or false",
                               "un tableau de {most} au plus, true ou false"}},
    [WORDING_ONE_OR_LIST] = {"one_or_list",
                             {WORDING("format"), NUMBER("most", 0)},
                             {"{format}, or an array of 1 to {most} of them",
                              "{format}, ou un tableau de 1 à {most} valeurs de ce type"}},
    [WORDING_AT_MOST] = {"at_most", {NUMBER("most", 0)}, {"at most {most}", "{most} au plus"}},
    [WORDING_SHORT_TEXT] = {"short_text",
                            {WORDING("format"), NUMBER("bytes", 0)},
                            {"{format}, of at most {bytes} bytes",
                             "{format}, de {bytes} octets au plus"}},
    [WORDING_KEYS] = {"keys", {TEXT("keys")}, {"{keys}", "{keys}"}},
    [WORDING_NEAR_KEY] = {"near_key",
                          {TEXT("keys"), SECOND("meant")},
                          {"did you mean \"{meant}\"? {keys}",
                           "vouliez-vous dire \"{meant}\"" NNBSP "? {keys}"}},
    [WORDING_ONE_KEY] = {"one_key",
                         {TEXT("keys")},
                         {"exactly one of {keys}", "exactement une de {keys}"}},
    [WORDING_PUT_IN] = {"put_in",
                        {TEXT("variable")},
                        {"put it in {variable}, in the environment file",
                         "à mettre dans {variable}, dans le fichier d’environnement"}},
    [WORDING_PUT_HASH_IN] = {"put_hash_in",
                             {TEXT("variable")},
                             {"put its hash in {variable}, in the environment file",
                              "à mettre, haché, dans {variable}, dans le fichier d’environnement"}},
    /* what is allowed beside the rest of the file */
    [WORDING_SERVER] = {"server",
                        {{0}},
                        {"the id of a server in this file",
                         "l’identifiant d’un serveur de ce fichier"}},
    [WORDING_NEAR_SERVER] = {"near_server",
                             {TEXT("meant")},
                             {"the id of a server in this file; did you mean \"{meant}\"?",
                              "l’identifiant d’un serveur de ce fichier" NNBSP
                              "; vouliez-vous dire \"{meant}\"" NNBSP "?"}},
    [WORDING_OWN_MAC] = {"own_mac", {{0}}, {"a MAC of its own", "une adresse MAC à lui"}},
    [WORDING_OWN_ADDRESS] = {"own_address", {{0}}, {"an address of its own", "une adresse à lui"}},
    [WORDING_OTHER_SERVERS] = {"other_servers",
                               {{0}},
                               {"other servers in this file", "d’autres serveurs de ce fichier"}},
    [WORDING_SERVER_ONCE] = {"server_once",
                             {{0}},
                             {"each server once", "chaque serveur une seule fois"}},
    [WORDING_NO_CYCLE] = {"no_cycle",
                          {{0}},
                          {"dependencies that end somewhere",
                           "des dépendances qui finissent quelque part"}},
    [WORDING_HOST_ONCE] = {"host_once",
                           {{0}},
                           {"each host name once", "chaque nom d’hôte une seule fois"}},
    [WORDING_OWN_PATH] = {"own_path", {{0}}, {"a path of its own", "un chemin à lui"}},
    [WORDING_UNIQUE_IDS] = {"unique_ids",
                            {{0}},
                            {"ids that are unique in the whole file",
                             "des identifiants uniques dans tout le fichier"}},
    [WORDING_OTHER_PREFIX] = {"other_prefix",
                              {{0}},
                              {"one that does not begin with the base_topic",
                               "un topic qui ne commence pas par base_topic"}},
    [WORDING_OTHER_END] = {"other_end",
                           {{0}},
                           {"another end; for the whole day from \"00:00\" to \"24:00\"",
                            "une autre fin" NNBSP
                            "; pour toute la journée, de \"00:00\" à \"24:00\""}},
    [WORDING_WINDOW_ONCE] = {"window_once",
                             {{0}},
                             {"each window once", "chaque plage une seule fois"}},
    [WORDING_DATE_ONCE] = {"date_once", {{0}}, {"each date once", "chaque date une seule fois"}},
    [WORDING_WINDOWS_OR_NO_DATES] =
        {"windows_or_no_dates",
         {{0}},
         {"windows that do not begin on these dates, or no dates",
          "des plages qui ne commencent pas à ces dates, ou aucune date"}},
    [WORDING_A_WINDOW] = {"a_window",
                          {{0}},
                          {"at least one window with mode \"scheduled\"",
                           "au moins une plage avec le mode \"scheduled\""}},
    [WORDING_A_MODE] =
        {"a_mode",
         {{0}},
         {"\"scheduled\", for the server to be on in them, or \"on_demand\", to have them ready "
          "for a change of the policy at run time",
          "\"scheduled\", pour que le serveur soit allumé pendant ces plages, ou \"on_demand\", "
          "pour les garder prêtes si la politique change en cours de route"}},
    [WORDING_NO_WINDOWS] =
        {"no_windows",
         {{0}},
         {"none; or mode \"scheduled\", for the server to be on in them only",
          "aucune" NNBSP
          "; ou le mode \"scheduled\", pour que le serveur ne soit allumé que pendant ces plages"}},
    [WORDING_WHEN_SCHEDULED] =
        {"when_scheduled",
         {{0}},
         {"it with mode \"scheduled\" only: it is for the time outside the windows; to let "
          "visitors in at certain hours only, access.windows",
          "cette clé avec le mode \"scheduled\" seulement" NBSP ": elle vaut hors des plages" NNBSP
          "; pour n’ouvrir aux visiteurs qu’à certaines heures, access.windows"}},
    [WORDING_QUOTA_ONCE] = {"quota_once",
                            {{0}},
                            {"each quota once", "chaque quota une seule fois"}},
    [WORDING_RULE_KEY] = {"rule_key",
                          {{0}},
                          {"at least one of agent, path, method and address",
                           "au moins une clé parmi agent, path, method et address"}},
    [WORDING_SSH_USER] = {"ssh_user",
                          {{0}},
                          {"the user that logs in; via ssh needs it",
                           "l’utilisateur qui se connecte" NNBSP "; via ssh en a besoin"}},
    [WORDING_SSH_KEY] = {"ssh_key",
                         {{0}},
                         {"the file of the private key; via ssh needs it",
                          "le fichier de la clé privée" NNBSP "; via ssh en a besoin"}},
    [WORDING_SSH_HOST_KEY] =
        {"ssh_host_key",
         {{0}},
         {"the server's public host key, \"ssh-ed25519 AAAA...\"; via ssh needs it",
          "la clé d’hôte publique du serveur, \"ssh-ed25519 AAAA...\"" NNBSP
          "; via ssh en a besoin"}},
    [WORDING_WEBHOOK_URL] = {"webhook_url",
                             {{0}},
                             {"the URL that puts it to sleep; via webhook needs it",
                              "l’URL qui le met en veille" NNBSP "; via webhook en a besoin"}},
    [WORDING_VIA_OR_NONE] = {"via_or_none",
                             {TEXT("via")},
                             {"\"via\": \"{via}\", or no \"{via}\"",
                              "\"via\": \"{via}\", ou pas de \"{via}\""}},
    [WORDING_HEADER_ONCE] = {"header_once",
                             {{0}},
                             {"each header once", "chaque en-tête une seule fois"}},
    [WORDING_SET_VARIABLE] = {"set_variable",
                              {{0}},
                              {"a variable that is set in the environment file",
                               "une variable définie dans le fichier d’environnement"}},
    [WORDING_FRAME_INTERFACE] =
        {"frame_interface",
         {{0}},
         {"the interface that frames leave by, as \"eth0\"; raw needs it",
          "l’interface par laquelle partent les trames, comme \"eth0\"" NNBSP "; raw en a besoin"}},
    /* what is wrong with a file or variable as a whole */
    [WORDING_SAID] = {"said", {TEXT("said")}, {"{said}", "{said}"}},
    [WORDING_UNREADABLE] = {"unreadable",
                            {TEXT("why")},
                            {"cannot be read: {why}", "lecture impossible" NBSP ": {why}"}},
    [WORDING_ABSENT] = {"absent",
                        {TEXT("why")},
                        {"cannot be read: {why}; write it, or name another file",
                         "lecture impossible" NBSP ": {why}" NNBSP
                         "; écrivez-le, ou indiquez un autre fichier"}},
    [WORDING_DENIED] = {"denied",
                        {TEXT("why")},
                        {"cannot be read: {why}; let this user read it and enter its folder",
                         "lecture impossible" NBSP ": {why}" NNBSP
                         "; laissez cet utilisateur le lire et entrer dans son dossier"}},
    [WORDING_DIRECTORY] = {"directory",
                           {{0}},
                           {"is a directory; a JSON file is needed",
                            "est un dossier" NNBSP "; il faut un fichier JSON"}},
    [WORDING_NOT_REGULAR] = {"not_regular",
                             {{0}},
                             {"is not a regular file", "n’est pas un fichier ordinaire"}},
    [WORDING_TOO_LARGE] = {"too_large", {{0}}, {"is larger than 4 MiB", "dépasse 4 Mio"}},
    [WORDING_NO_MEMORY] = {"no_memory", {{0}}, {"out of memory", "mémoire insuffisante"}},
    [WORDING_MORE] = {"more", {NUMBER("n", 0)}, {"and {n} more", "et {n} de plus"}},
    [WORDING_LAST_GOOD] = {"last_good",
                           {{0}},
                           {"the last good configuration:",
                            "la dernière bonne configuration" NBSP ":"}},
    [WORDING_NOT_PLAIN] = {"not_plain",
                           {{0}},
                           {"has control characters or broken UTF-8; it must be plain text",
                            "a des caractères de contrôle ou de l’UTF-8 invalide" NNBSP
                            "; il faut du texte simple"}},
    [WORDING_TOO_LONG] = {"too_long",
                          {NUMBER("bytes", 0)},
                          {"is longer than {bytes} bytes", "dépasse {bytes} octets"}},
    [WORDING_NO_CREDENTIAL] = {"no_credential",
                               {{0}},
                               {"this credential cannot be read",
                                "ce secret du système ne peut pas être lu"}},
    [WORDING_OTHERS_MAY_READ] = {"others_may_read",
                                 {TEXT("file")},
                                 {"others may read the secrets in it: chmod 600 {file}",
                                  "d’autres peuvent lire ses secrets" NBSP ": chmod 600 {file}"}},
    [WORDING_SETTING] = {"setting",
                         {TEXT("value"), WORDING("format")},
                         {"found \"{value}\"; allowed: {format}",
                          "trouvé" NBSP ": \"{value}\"" NNBSP "; attendu" NBSP ": {format}"}},
};

static void put_param(const struct phrase *phrase, const struct param *param,
                      enum config_language language, struct buf *out)
{
    const int64_t number = phrase->numbers[param->place];
    char text[40];

    switch (param->kind) {
    case PARAM_TEXT:
        buf_puts(out, phrase->texts[param->place] ? phrase->texts[param->place] : "");
        break;
    case PARAM_NUMBER:
        buf_printf(out, "%lld", (long long)number);
        break;
    case PARAM_SPAN:
        buf_puts(out, duration_format(number, text, sizeof(text)));
        break;
    case PARAM_WORDING:
        buf_puts(out, wording_text(phrase->format, language));
        break;
    }
}

static const struct param *find_param(const struct row *row, const char *name, size_t length)
{
    for (const struct param *param = row->params; param->name; param++)
        if (strlen(param->name) == length && strncmp(param->name, name, length) == 0)
            return param;
    return NULL;
}

/* A phrase in a language. */
struct said_phrase {
    const struct phrase *phrase;
    enum config_language language;
};

static enum hole find_hole(const void *of, const char *name, size_t length)
{
    const struct said_phrase *said = of;

    return find_param(&rows[said->phrase->kind], name, length) ? HOLE_FILLED : HOLE_NONE;
}

static void put_hole(const void *of, const char *name, size_t length, struct buf *out)
{
    const struct said_phrase *said = of;

    put_param(said->phrase, find_param(&rows[said->phrase->kind], name, length), said->language,
              out);
}

void phrase_say(const struct phrase *phrase, enum config_language language, struct buf *out)
{
    const struct said_phrase said = {phrase, language};
    const struct holes holes = {.of = &said, .find = find_hole, .put = put_hole};

    holes_fill(&holes, wording_text(phrase->kind, language), out);
}

char *phrase_english(const struct phrase *phrase, char out[PHRASE_SIZE])
{
    struct buf text = BUF_INIT(2 * PHRASE_SIZE);

    phrase_say(phrase, CONFIG_ENGLISH, &text);
    text_copy(out, PHRASE_SIZE, buf_text(&text));
    buf_finish(&text);
    return out;
}

void phrase_put(struct json_writer *json, const char *key, const struct phrase *phrase)
{
    if (phrase->kind == WORDING_NONE) {
        json_put_null(json, key);
        return;
    }
    json_begin_object(json, key);
    json_put_string(json, "code", rows[phrase->kind].name);
    for (const struct param *param = rows[phrase->kind].params; param->name; param++)
        switch (param->kind) {
        case PARAM_TEXT:
            json_put_string(json, param->name, phrase->texts[param->place]);
            break;
        case PARAM_NUMBER:
            json_put_integer(json, param->name, phrase->numbers[param->place]);
            break;
        case PARAM_SPAN:
            json_put_seconds(json, param->name, phrase->numbers[param->place]);
            break;
        case PARAM_WORDING:
            json_put_string(json, param->name, rows[phrase->format].name);
            break;
        }
    json_end_object(json);
}

const char *wording_name(enum wording wording)
{
    return rows[wording].name;
}

const char *wording_text(enum wording wording, enum config_language language)
{
    const char *text = rows[wording].texts[language];

    return text ? text : "";
}
