#include "store/archive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/db_internal.h"

enum { LOOK_EVERY = 32 }; /* rows between two looks at the clock */

struct archive {
    struct db *db;
    char *path;
};

/* ---- opening ---- */

static int explain(const char *path, const struct trouble *trouble, char ret_why[ARCHIVE_SENTENCE])
{
    if (trouble->kind == TROUBLE_INTERRUPTED) {
        snprintf(ret_why, ARCHIVE_SENTENCE, "The store took too long; ask for less.");
        return -ETIMEDOUT;
    }
    trouble_describe(trouble, path, ret_why, ARCHIVE_SENTENCE);
    return trouble->kind == TROUBLE_BUSY      ? -EBUSY
           : trouble->kind == TROUBLE_MISSING ? -ENOENT
                                              : -EIO;
}

int archive_open(const char *path, int64_t limit_ms, struct archive **ret_archive,
                 char ret_why[ARCHIVE_SENTENCE])
{
    struct archive *archive = calloc(1, sizeof(*archive));
    struct trouble trouble = {0};
    if (!archive || !(archive->path = strdup(path))) {
        free(archive);
        text_copy(ret_why, ARCHIVE_SENTENCE, "There is no memory to read the store.");
        return -ENOMEM;
    }
    if (!db_open_reader(path, &archive->db, &trouble)) {
        archive_close(archive);
        return explain(path, &trouble, ret_why);
    }
    int64_t version = 0;
    if (!db_ask_number(archive->db, "PRAGMA user_version", &version, &trouble) ||
        version != SCHEMA_VERSION) { /* its tables may lack columns that are read here */
        archive_close(archive);
        text_copy(
            ret_why, ARCHIVE_SENTENCE,
            "The store is of an earlier version; it can be read once Hall has written to it.");
        return -EBUSY;
    }
    db_limit(archive->db, limit_ms);
    *ret_archive = archive;
    return 0;
}

void archive_close(struct archive *archive)
{
    if (!archive)
        return;
    db_close(archive->db, false);
    free(archive->path);
    free(archive);
}

/* ---- pages ---- */

/* Which number of a row is its time, and which of its texts is what; -1: it has none. */
static const struct shape {
    int8_t first, last; /* it began, it ended */
    int8_t server, domain, project, type, address, search;
} shapes[STORE_TABLES] = {
    [STORE_EVENTS] = {0, 0, 0, 1, 2, 3, -1, 4},      [STORE_WAKES] = {0, 0, 1, 3, 2, -1, -1, 4},
    [STORE_SLEEPS] = {0, 0, 0, -1, -1, -1, -1, 2},   [STORE_SPANS] = {0, 0, 0, -1, -1, -1, -1, -1},
    [STORE_VISITS] = {0, 1, 2, 0, 1, -1, -1, -1},    [STORE_REFUSALS] = {0, 1, -1, 1, 2, -1, 0, 3},
    [STORE_TOTALS] = {0, 0, 0, -1, -1, -1, -1, -1},  [STORE_LOGINS] = {0, 0, -1, -1, -1, -1, 0, 1},
    [STORE_CHANGES] = {0, 0, -1, -1, -1, -1, -1, 2},
};

struct reading {
    enum store_table table;
    const struct archive_filter *filter;
    archive_row *row;
    void *context;
    int64_t deadline_ns;
    unsigned looked; /* rows */
    int given;
    int64_t last; /* id of the last row looked at */
    bool more;    /* it ended before its end */
};

static bool text_fits(const struct store_entry *entry, int8_t column, const char *wanted)
{
    return !wanted || (column >= 0 && text_equal(entry->texts[column], wanted));
}

static bool is_found(const struct store_entry *entry, int8_t column, const char *wanted)
{
    if (!wanted)
        return true;
    return column >= 0 && entry->texts[column] && strcasestr(entry->texts[column], wanted);
}

static bool time_fits(const struct store_entry *entry, const struct shape *shape,
                      const struct archive_filter *filter)
{
    int64_t first = entry->numbers[shape->first], last = entry->numbers[shape->last];
    if (entry->table == STORE_SPANS)
        first = last - entry->numbers[1];
    return (filter->from == 0 || last >= filter->from) && (filter->to == 0 || first < filter->to);
}

static bool fits(const struct store_entry *entry, const struct archive_filter *filter)
{
    const struct shape *shape = &shapes[entry->table];
    return time_fits(entry, shape, filter) && text_fits(entry, shape->server, filter->server) &&
           text_fits(entry, shape->domain, filter->domain) &&
           text_fits(entry, shape->project, filter->project) &&
           text_fits(entry, shape->type, filter->type) &&
           text_fits(entry, shape->address, filter->address) &&
           is_found(entry, shape->search, filter->search);
}

static bool read_row(void *context, const struct db_row *row)
{
    struct reading *reading = context;
    struct store_entry entry = {.table = reading->table, .id = db_row_number(row, 0)};
    const struct schema_table *schema = &schema_tables[reading->table];
    int column = 1;
    for (size_t i = 0; i < schema->numbers; i++)
        entry.numbers[i] = db_row_number(row, column++);
    for (size_t i = 0; i < schema->texts; i++)
        entry.texts[i] = db_row_text(row, column++);
    const bool fitting = fits(&entry, reading->filter);
    if (fitting && reading->given == reading->filter->limit) {
        reading->more = true;
        return false;
    }
    reading->last = entry.id;
    if (fitting) {
        reading->given++;
        if (!reading->row(reading->context, &entry))
            return false;
    }
    if (++reading->looked % LOOK_EVERY == 0 && clock_boot_ns() > reading->deadline_ns)
        reading->more = true;
    return !reading->more;
}

static bool page_by_id(struct archive *archive, struct reading *reading,
                       struct trouble *ret_trouble)
{
    char text[96];
    int64_t before = reading->filter->before > 0 ? reading->filter->before : INT64_MAX;
    snprintf(text, sizeof(text), "SELECT * FROM %s WHERE id < ?1 ORDER BY id DESC",
             schema_tables[reading->table].name);
    return db_query(archive->db, text, 1, (struct value[]){NUMBER(before)}, read_row, reading,
                    ret_trouble);
}

/* As the index has it; of the other types there are so many that they are found without. */
#define INDEXED_TYPES " AND type NOT IN ('stage', 'packet_sent')"

/* Events have indexes: the narrowest one leads, the rest is looked at row by row. */
static const char *leading(const struct archive_filter *filter, const char **ret_value)
{
    const char *type = filter->type;
    const bool indexed = type && strcmp(type, "stage") != 0 && strcmp(type, "packet_sent") != 0;
    const struct {
        const char *column, *value;
    } leads[] = {{"project", filter->project},
                 {"domain", filter->domain},
                 {"type", indexed ? type : NULL},
                 {"server", filter->server}};
    for (size_t i = 0; i < ARRAY_SIZE(leads); i++)
        if (leads[i].value) {
            *ret_value = leads[i].value;
            return leads[i].column;
        }
    *ret_value = NULL;
    return NULL;
}

/* By time and then by id: a clock that was set back does not hide anything, and a page begins where
 * the one before ended although rows come meanwhile. */
static bool page_of_events(struct archive *archive, struct reading *reading,
                           struct trouble *ret_trouble)
{
    const struct archive_filter *filter = reading->filter;
    char text[400], question[80];
    const char *value = NULL;
    const char *column = leading(filter, &value);
    const bool by_type = column && value == filter->type;
    int64_t at = INT64_MAX, id = INT64_MAX;
    if (filter->before > 0) {
        snprintf(question, sizeof(question), "SELECT at FROM events WHERE id = %lld",
                 (long long)filter->before);
        if (!db_ask_number(archive->db, question, &at, ret_trouble))
            return false;
        id = filter->before;
    }
    snprintf(text, sizeof(text),
             "SELECT * FROM events WHERE at >= ?1 AND at < ?2 AND at <= ?3"
             " AND (at < ?3 OR id < ?4)%s%s%s%s ORDER BY at DESC, id DESC",
             column ? " AND " : "", column ? column : "", column ? " = ?5" : "",
             by_type ? INDEXED_TYPES : "");
    const struct value values[] = {NUMBER(filter->from > 0 ? filter->from : INT64_MIN),
                                   NUMBER(filter->to > 0 ? filter->to : INT64_MAX), NUMBER(at),
                                   NUMBER(id), TEXT(value)};
    return db_query(archive->db, text, column ? 5 : 4, values, read_row, reading, ret_trouble);
}

int archive_page(struct archive *archive, enum store_table table,
                 const struct archive_filter *filter, archive_row *row, void *context,
                 int64_t *ret_next, char ret_why[ARCHIVE_SENTENCE])
{
    struct trouble trouble = {0};
    struct reading reading = {.table = table,
                              .filter = filter,
                              .row = row,
                              .context = context,
                              .deadline_ns = clock_boot_ns() + ARCHIVE_PAGE_MS * 1000000};
    bool ok = table == STORE_EVENTS ? page_of_events(archive, &reading, &trouble)
                                    : page_by_id(archive, &reading, &trouble);
    if (!ok)
        return explain(archive->path, &trouble, ret_why);
    *ret_next = reading.more ? reading.last : 0;
    return 0;
}

/* ---- figures ---- */

#define OF_SERVER " AND (?1 IS NULL OR server = ?1) "
#define OF_WAKES  " FROM wakes WHERE started >= ?2 AND started < ?3" OF_SERVER
/* Of n rows in order the one in the middle, and the one that 95 of 100 do not pass. */
#define RANKED(part_)                                                                              \
    "WITH ranked AS (SELECT *, date(started / 1000, 'unixepoch') AS day,"                          \
    " row_number() OVER (PARTITION BY " part_ " ORDER BY ms) AS i,"                                \
    " count(*) OVER (PARTITION BY " part_ ") AS n"                                                 \
    " FROM wakes WHERE ready = 1 AND started >= ?2 AND started < ?3" OF_SERVER ")"                 \
    " SELECT kind, n, max(CASE WHEN i = (n + 1) / 2 THEN ms END),"                                 \
    " max(CASE WHEN i = (n * 95 + 99) / 100 THEN ms END), server, "

/* Four numbers and two texts each, in the order of archive.h. */
static const char *const figures[FIGURES] = {
    [FIGURE_SINCE] = "SELECT min(a), max(b), 0, 0, NULL, NULL FROM (SELECT min(ended - ms) AS a,"
                     " max(ended) AS b FROM spans WHERE ?1 IS NULL OR ?1 IS NOT NULL AND ?2 <= ?3"
                     " UNION ALL SELECT min(started), NULL FROM wakes"
                     " UNION ALL SELECT min(hour), NULL FROM visits)",
    [FIGURE_STATES] = "SELECT state, sum(max(0, min(ended, ?3) - max(ended - ms, ?2))),"
                      " min(ended - ms), 0, server, NULL FROM spans"
                      " WHERE ended > ?2 AND ended - ms < ?3" OF_SERVER "GROUP BY server, state",
    [FIGURE_ENERGY] = "WITH parts AS (SELECT state, server, used_mj, always_mj, ms,"
                      " max(0, min(ended, ?3) - max(ended - ms, ?2)) AS part FROM spans"
                      " WHERE ms > 0 AND ended > ?2 AND ended - ms < ?3" OF_SERVER ")"
                      " SELECT state, sum(max(0, used_mj) * 1.0 * part / ms),"
                      " sum(max(0, always_mj) * 1.0 * part / ms),"
                      " sum(CASE WHEN used_mj < 0 THEN part ELSE 0 END), server, NULL FROM parts"
                      " GROUP BY server, state",
    [FIGURE_WAKES] =
        "SELECT sum(ready), sum(1 - ready), 0, 0, server, NULL" OF_WAKES "GROUP BY server",
    [FIGURE_SLEEPS] = "SELECT count(*), 0, 0, 0, server, NULL FROM sleeps"
                      " WHERE outcome = 0 AND at >= ?2 AND at < ?3" OF_SERVER "GROUP BY server",
    [FIGURE_BOOTS] = RANKED("server, kind") "NULL FROM ranked GROUP BY server, kind",
    [FIGURE_BOOT_DAYS] = RANKED(
        "server, kind, date(started / 1000, 'unixepoch')") "day FROM ranked GROUP BY server, kind, "
                                                           "day ORDER BY server, day",
    [FIGURE_CAUSES] =
        "SELECT count(*), 0, 0, 0, class, NULL" OF_WAKES "GROUP BY class ORDER BY 1 DESC",
    [FIGURE_PROJECTS] = "SELECT count(*), 0, 0, 0, project, NULL" OF_WAKES
                        "AND project IS NOT NULL GROUP BY project ORDER BY 1 DESC LIMIT 200",
    [FIGURE_HOURS] = "SELECT hour, count(*), 0, 0, NULL, NULL" OF_WAKES "GROUP BY hour",
    [FIGURE_FAILURES] = "SELECT count(*), max(started), 0, 0, server, failure" OF_WAKES
                        "AND ready = 0 GROUP BY server, failure ORDER BY 1 DESC",
    [FIGURE_VISITS] = "SELECT sum(n), max(last), (SELECT count(*) FROM wakes"
                      " WHERE wakes.project = visits.project AND started >= ?2 AND started < ?3),"
                      " 0, project, domain FROM visits"
                      " WHERE hour >= ?2 AND hour < ?3" OF_SERVER
                      "GROUP BY project, domain ORDER BY 1 DESC LIMIT 200",
    [FIGURE_VISIT_DAYS] = "SELECT sum(n), 0, 0, 0, date(hour / 1000, 'unixepoch'), NULL FROM visits"
                          " WHERE hour >= ?2 AND hour < ?3" OF_SERVER "GROUP BY 5 ORDER BY 5",
    [FIGURE_REFUSALS] = "SELECT sum(n), 0, 0, 0, address, NULL FROM refusals"
                        " WHERE last >= ?2 AND at < ?3 AND (?1 IS NULL OR ?1 IS NOT NULL)"
                        " GROUP BY address ORDER BY 1 DESC LIMIT 20",
    [FIGURE_REFUSED] = ("SELECT sum(n), 0, 0, 0, NULL, NULL FROM refusals"
                        " WHERE last >= ?2 AND at < ?3 AND (?1 IS NULL OR ?1 IS NOT NULL)"),
};

struct figuring {
    figure_reader *read;
    void *context;
};

static bool read_figure(void *context, const struct db_row *row)
{
    const struct figuring *figuring = context;
    struct figure_row figure;
    for (int i = 0; i < FIGURE_NUMBERS; i++)
        figure.numbers[i] = db_row_number(row, i);
    for (int i = 0; i < FIGURE_TEXTS; i++)
        figure.texts[i] = db_row_text(row, FIGURE_NUMBERS + i);
    figuring->read(figuring->context, &figure);
    return true;
}

int archive_figure(struct archive *archive, enum archive_figure figure, const char *server,
                   int64_t from, int64_t to, figure_reader *read, void *context,
                   char ret_why[ARCHIVE_SENTENCE])
{
    struct trouble trouble = {0};
    struct figuring figuring = {read, context};
    const struct value values[] = {TEXT(server), NUMBER(from), NUMBER(to)};
    if (!db_query(archive->db, figures[figure], 3, values, read_figure, &figuring, &trouble))
        return explain(archive->path, &trouble, ret_why);
    return 0;
}
