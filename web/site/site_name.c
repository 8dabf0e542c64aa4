#include "web/site/site_name.h"

#include <stdio.h>

const char *site_name(const struct model *model, const struct model_site *site,
                      char out[SITE_NAME_SIZE])
{
    snprintf(out, SITE_NAME_SIZE, "%s%s%s", model->domains[site->domain].name,
             site->is_project ? "/" : "", site->is_project ? site->id : "");
    return out;
}
