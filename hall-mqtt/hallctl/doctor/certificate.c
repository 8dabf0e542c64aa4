/* When do the certificates of the broker and of https upstreams end? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "hallctl/doctor/facts.h"
#include "hallctl/fetch.h"

enum { PEM_MAX = 65536, BAD_DAYS = 7, SOON_DAYS = 30, DAY_MS = 86400000 };

/* ---- looking ---- */

static struct certificate *add(struct certificate_facts *facts, const char *what)
{
    for (size_t i = 0; i < facts->n; i++)
        if (strcmp(facts->all[i].what, what) == 0)
            return NULL;
    if (facts->n == DOCTOR_CERTIFICATES)
        return NULL;
    struct certificate *one = &facts->all[facts->n++];
    text_copy(one->what, sizeof(one->what), what);
    return one;
}

static void read_file(const struct doctor *doctor, const char *file, const char *host,
                      struct certificate_facts *facts)
{
    char *pem = malloc(PEM_MAX);
    const int length = pem ? doctor_read(doctor, file, pem, PEM_MAX) : -ENOMEM;
    /* What nobody configured may be missing, or root's. */
    struct certificate *one = length >= 0 || host ? add(facts, file) : NULL;

    if (one) {
        text_copy(one->host, sizeof(one->host), host ? host : "NAME");
        if (length < 0)
            text_copy(one->why, sizeof(one->why), strerror(-length));
        else if (certificate_end(pem, (size_t)length, &one->end) < 0)
            text_copy(one->why, sizeof(one->why), "not a PEM certificate");
        one->looked = true;
    }
    free(pem);
}

/* What does not answer has no certificate to look at: that it does not is for others to say. */
static void ask(void *context, size_t i)
{
    struct certificate *one = &((struct certificate_facts *)context)->all[i];
    struct buf pem = BUF_INIT(PEM_MAX);
    char why[FETCH_WHY_SIZE];

    if (one->is_live && fetch_certificate(one->what, false, NULL, &pem, why) == 0)
        one->looked = certificate_end(buf_text(&pem), pem.length, &one->end) == 0;
    buf_finish(&pem);
}

/* host: of the broker; NULL: an upstream. */
static void add_live(const char *name, size_t length, uint16_t port, const char *host,
                     struct certificate_facts *facts)
{
    char endpoint[DOCTOR_HOST];

    snprintf(endpoint, sizeof(endpoint), "%.*s:%u", (int)length, name, (unsigned)port);
    struct certificate *one = add(facts, endpoint);
    if (!one)
        return;
    one->is_live = true;
    one->is_upstream = !host;
    text_copy(one->host, sizeof(one->host), host ? host : "");
}

static void add_upstreams(const struct model *model, struct certificate_facts *facts)
{
    for (size_t i = 0; i < model->n_sites; i++) {
        struct model_upstream upstream;

        if (model->sites[i].upstream && strncmp(model->sites[i].upstream, "https:", 6) == 0 &&
            model_upstream(model, (int)i, &upstream))
            add_live(upstream.host, upstream.host_length, upstream.port, NULL, facts);
    }
}

static void gather(const struct doctor *doctor, void *facts)
{
    struct certificate_facts *into = facts;

    into->now = clock_now().wall;
    read_file(doctor, "/etc/mosquitto/certs/server.crt", NULL, into);
    read_file(doctor, "/etc/mosquitto/certs/ca.crt", NULL, into);
    if (doctor->settings && doctor->settings->mqtt.broker.tls) {
        const struct mqtt_broker *broker = &doctor->settings->mqtt.broker;

        if (broker->ca)
            read_file(doctor, broker->ca, broker->host, into);
        add_live(broker->host, strlen(broker->host), broker->port, broker->host, into);
    }
    if (doctor->config)
        add_upstreams(&doctor->config->model, into);
    doctor_beside(into->n, ask, into);
}

/* ---- judging ---- */

static void judge_one(const struct certificate *one, int64_t now, struct findings *findings)
{
    const int64_t days = (one->end - now) / DAY_MS;
    char end[RFC3339_SIZE];

    rfc3339_format(one->end, end);
    if (one->end == 0)
        findings_add(findings, DOCTOR_CERTIFICATE_UNREADABLE, one->what, one->why, NULL);
    else if (one->end - now < BAD_DAYS * (int64_t)DAY_MS)
        findings_add(findings, one->is_upstream ? DOCTOR_UPSTREAM_ENDS : DOCTOR_CERTIFICATE_ENDS,
                     one->what, end, one->host, NULL);
    else if (days < SOON_DAYS)
        findings_add(findings, one->is_upstream ? DOCTOR_UPSTREAM_SOON : DOCTOR_CERTIFICATE_SOON,
                     one->what, COUNT(days), one->host, NULL);
    else
        findings_add(findings, one->is_upstream ? DOCTOR_UPSTREAM_GOOD : DOCTOR_CERTIFICATE_GOOD,
                     one->what, COUNT(days), NULL);
}

static void judge(const void *facts, struct findings *findings)
{
    const struct certificate_facts *from = facts;

    for (size_t i = 0; i < from->n; i++)
        if (from->all[i].looked)
            judge_one(&from->all[i], from->now, findings);
}

const struct doctor_check certificate_check = {"certificates", sizeof(struct certificate_facts),
                                               gather, judge};
