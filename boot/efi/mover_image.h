/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The mover's flat binary as boot/mover_blob.asm embeds it: [mover_image, mover_image_end).
 */
#ifndef BOOT_EFI_MOVER_IMAGE_H
#define BOOT_EFI_MOVER_IMAGE_H

#include <stdint.h>

extern const uint8_t mover_image[], mover_image_end[];

#endif
