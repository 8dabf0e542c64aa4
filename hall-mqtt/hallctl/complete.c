/* hallctl complete -- WORD...: what may stand in place of the last word, for shells, which filter
 * it by what is typed. Verbs, options and operands are those of the tables; servers and projects
 * those that Hall has right now; ":files" stands for the names of files. */
#include <string.h>

#include "hallctl/hallctl.h"
#include "hallctl/meeting.h"
#include "hallctl/verbs.h"

/* A command line up to the cursor. */
struct line {
    struct call call;    /* its options about the broker */
    const char *pending; /* the value that an option waits for: "FILE", "URL" ...; NULL: none */
    const char *verb;    /* NULL: not yet */
    int n_operands;
};

static void read_words(const struct call *call, struct line *line)
{
    int flag = -1;

    for (int i = 0; i + 1 < call->n_operands; i++) {
        const char *word = call->operands[i];
        const char *equals = strchr(word, '=');

        if (line->pending) {
            call_give(&line->call, flag, word);
            line->pending = NULL;
        } else if (word[0] == '-') {
            flag = arguments_find(word, &line->pending);
            if (equals && line->pending)
                call_give(&line->call, flag, equals + 1);
            line->pending = equals ? NULL : line->pending;
        } else if (!line->verb) {
            line->verb = word;
        } else {
            line->n_operands++;
        }
    }
}

static void print_ids(const struct line *line, bool projects)
{
    const struct meeting_wish wish = {projects ? TOPIC_PROJECT_STATE : TOPIC_SERVER_STATE, NULL};
    struct meeting meeting = {0};
    const struct known_list *list = projects ? &meeting.picture.projects : &meeting.picture.servers;
    int status = meeting_begin(&meeting, &line->call);

    if (status < 0)
        status = meeting_read(&meeting, &wish, 1);
    for (size_t i = 0; status < 0 && i < list->n; i++)
        puts(list->all[i]->id);
    meeting_finish(&meeting);
}

/* One of the words that the help names. Other names in capitals mean what only people know. */
static void print_meant(const struct line *line, const char *meant)
{
    if (strcmp(meant, "SERVER") == 0 || strcmp(meant, "PROJECT") == 0)
        print_ids(line, meant[0] == 'P');
    else if (strcmp(meant, "FILE") == 0)
        puts(":files");
    else if (meant[0] >= 'a')
        puts(meant);
}

/* The operands as the help shows them: "SERVER [on|off]", "[SERVER...]". */
static void print_operands(const struct line *line, const char *operands)
{
    char text[128], *rest = text, *place = NULL;

    snprintf(text, sizeof(text), "%s", operands);
    for (int i = 0; i <= line->n_operands && !(place && strchr(place, '.')); i++)
        place = strsep(&rest, " ");
    while (place && *place != '\0') {
        char *meant = strsep(&place, "|[].");

        if (*meant != '\0')
            print_meant(line, meant);
    }
}

static int run_complete(const struct call *call)
{
    struct line line = {.call = {.verb = call->verb}};
    const struct verb *verb;

    read_words(call, &line);
    verb = line.verb ? verbs_find(line.verb) : NULL;
    if (line.pending)
        print_meant(&line, line.pending);
    else if (call->operands[call->n_operands - 1][0] == '-')
        arguments_list(verb, stdout);
    else if (verb)
        print_operands(&line, verb->operands);
    else if (!line.verb || (strcmp(line.verb, "help") == 0 && line.n_operands == 0))
        verbs_list(stdout);
    if (!line.verb && !line.pending)
        puts("help");
    return HALLCTL_OK;
}

static const struct verb verbs[] = {
    {.name = "complete",
     .operands = "WORD...",
     .summary = "prints completions of the last word, one a line",
     .least = 1,
     .most = 1000,
     .run = run_complete,
     .hidden = true},
};

const struct verb_family complete_family = {"", verbs, sizeof(verbs) / sizeof(verbs[0])};
