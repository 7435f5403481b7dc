/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The fake firmware's boot services: memory, files, protocols; see fake_firmware.h.
 */
#ifndef TESTS_UNIT_EFI_FAKE_SERVICES_H
#define TESTS_UNIT_EFI_FAKE_SERVICES_H

#include <efi.h>

void fake_memory_reset(void);
EFI_BOOT_SERVICES *fake_boot_services(void);
EFI_RUNTIME_SERVICES *fake_runtime_services(void);
EFI_HANDLE fake_image_handle(void);

/* fake_files.c: the volume, and a network device's LoadFile2. */
EFI_FILE_IO_INTERFACE *fake_volume(void);
EFI_LOAD_FILE_INTERFACE *fake_network(void);

#endif
