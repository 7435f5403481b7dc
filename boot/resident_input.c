/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The embedded resident layers as a plan wants them; see resident_input.h.
 */
#include "resident_input.h"

extern const uint8_t resident64_image[], resident64_image_end[];
extern const uint8_t resident32_image[], resident32_image_end[];

static const struct resident_header *header(const uint8_t *image, const uint8_t *end)
{
    const struct resident_header *found = (const struct resident_header *)(const void *)image;

    if ((uintptr_t)end - (uintptr_t)image < sizeof(*found) || found->magic != RESIDENT_MAGIC)
        return NULL;
    return found;
}

void resident_images(struct plan_input *input)
{
    input->resident64 = header(resident64_image, resident64_image_end);
    input->resident64_at = (uintptr_t)resident64_image;
    input->resident32 = header(resident32_image, resident32_image_end);
    input->resident32_at = (uintptr_t)resident32_image;
}
