/*
 * reading: which site a path names, and whether a proxy or a server behind it may read the path as
 * one of another site. Such paths are refused: a program that reads them differently would lead to
 * a site whose rules Hall has not applied. Pure.
 */
#ifndef HALL_WEB_GATE_READING_H
#define HALL_WEB_GATE_READING_H

#include <stdbool.h>

#include "core/model.h"
#include "web/site/uri.h"

/* path is decoded and resolved, as uri_normalise_path does; an encoded '?' or '#' is part of a name
 * here. MODEL_NONE: one of Hall's own addresses. */
int reading_site(const struct model *model, int domain, const char *path);

/* raw: as it came; path: the same, decoded and resolved. */
bool reading_is_doubtful(const struct model *model, int domain, struct span raw, const char *path);

/* This path, or one below it. */
bool reading_is_below(const char *path, const char *top);

#endif
