/* Whatever a plugin asks: read without harm, every site named once and there. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "web/gate/sablier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *containers[] = {"web", "db"};
static struct model_site sites[] = {
    {.id = "a.example", .domain = 0, .path = "/"},
    {.id = "p",
     .domain = 0,
     .is_project = true,
     .path = "/p",
     .n_containers = 2,
     .containers = containers},
};
static struct model_domain domains[] = {
    {.name = "a.example", .site = 0, .n_projects = 1, .projects = {1}}};
static const struct model model = {
    .n_sites = 2, .sites = sites, .n_domains = 1, .domains = domains};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sablier sablier;
    enum sablier_fault fault =
        sablier_read(&model, (struct span){(const char *)data, size}, &sablier);
    if (fault != SABLIER_FINE)
        assert(sablier_fault_status(fault) >= 400 &&
               sablier_fault_fact(fault, &sablier).parts[0].code >= FACT_SABLIER_NEITHER);
    assert(sablier.n <= 2);
    if (fault == SABLIER_FINE)
        assert(sablier.n > 0 && sablier.timeout >= 0 && sablier.refresh >= 0);
    for (size_t i = 0; i < sablier.n; i++)
        assert(sablier.sites[i] == 0 || sablier.sites[i] == 1);
    assert(strlen(sablier.missing) < sizeof sablier.missing);
    return 0;
}
