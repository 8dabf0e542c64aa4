/*
 * problem: what is wrong with a server or a site as people are told: the check that fails, by its
 * name, and why. The facts are in the evidence; sentences are made here alone. Pure.
 */
#ifndef HALL_CORE_PROBLEM_H
#define HALL_CORE_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/facts/fault.h"
#include "core/model.h"

struct fleet;
struct power;

/* The check of the server to name first: required ones, then the sites of its domains; of those
 * that fail beyond doubt. MODEL_NONE: none fails, or the server is not up. */
int problem_check(const struct power *power, const struct model *model, int server);

/* A check of the server, or the site of a domain, whose fault is known and not told yet, and marks
 * it as told; MODEL_NONE: no more. */
int problem_untold(struct power *power, const struct model *model, int server);

/* What is wrong with this site's check as visitors may be told; FAULT_NONE: nothing is known, or it
 * is only starting. */
struct fault problem_of_site(const struct fleet *fleet, int site);

/* Why this check of the server does not pass; FACT_NONE: it passes, or none was tried. */
struct fact problem_of_check(const struct power *power, int server, int check);
/* The same of a site, as visitors may be told: without the check's name. */
struct fact problem_of_fault(struct fault fault);

/* The server's problem, its failing check included; FACT_NONE: none. */
struct fact fleet_problem(const struct fleet *fleet, int server);

#endif
