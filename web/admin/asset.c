#include "web/admin/asset.h"

#include <string.h>

#include "base/array.h"
#include "web/dashboard_assets.h"

const struct asset *asset_find(const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(assets); i++) {
        if (strcmp(assets[i].path, path) == 0)
            return &assets[i];
    }
    return NULL;
}

const struct asset *asset_page(enum language language)
{
    static const char *const paths[LANGUAGES] = {
        [LANGUAGE_ENGLISH] = "/", [LANGUAGE_FRENCH] = "/fr/"};
    return asset_find(paths[language]);
}
