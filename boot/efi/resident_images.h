/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layers' images as boot/resident_images.asm embeds them; an empty one was not built.
 */
#ifndef BOOT_EFI_RESIDENT_IMAGES_H
#define BOOT_EFI_RESIDENT_IMAGES_H

#include <stdint.h>

extern const uint8_t resident64_image[], resident64_image_end[];
extern const uint8_t resident32_image[], resident32_image_end[];

#endif
