/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The log on the firmware's console, and its keyboard.  Valid until boot services are left.
 * UEFI 2.10 section 12.
 */
#include "efi_app.h"

#define CHUNK 128

static void put(struct out *out, const char *text, size_t size)
{
    const struct efi_app *app = out->context;
    CHAR16 wide[CHUNK + 2];
    UINTN used = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            wide[used++] = '\r';
        wide[used++] = (uint8_t)text[i];
        if (used >= CHUNK || i + 1 == size) {
            wide[used] = 0;
            app->table->ConOut->OutputString(app->table->ConOut, wide);
            used = 0;
        }
    }
}

void efi_console_init(struct efi_app *app, struct out *out)
{
    *out = (struct out){put, app};
}

bool efi_console_has_serial(struct efi_app *app)
{
    /* EFI_CONSOLE_OUT_DEVICE_GUID of EDK II: installed on every device that ConOut writes to. */
    EFI_GUID console = {
        0xd3b36f2c, 0xd551, 0x11d4, {0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};
    EFI_GUID serial = SERIAL_IO_PROTOCOL;
    EFI_GUID path_guid = DEVICE_PATH_PROTOCOL;
    EFI_HANDLE *handle = NULL;
    UINTN count = 0;
    bool found = false;

    if (EFI_ERROR(app->services->LocateHandleBuffer(ByProtocol, &console, NULL, &count, &handle)))
        return false;
    for (UINTN i = 0; i < count && !found; i++) {
        EFI_DEVICE_PATH *path;
        EFI_HANDLE device;
        if (!EFI_ERROR(app->services->HandleProtocol(handle[i], &path_guid, (void **)&path)) &&
            !EFI_ERROR(app->services->LocateDevicePath(&serial, &path, &device)))
            found = true;
    }
    app->services->FreePool(handle);
    return found;
}

uint32_t efi_key(struct efi_app *app, uint32_t seconds)
{
    SIMPLE_INPUT_INTERFACE *input = app->table->ConIn;
    for (uint32_t tick = 0; tick < seconds * 20; tick++) {
        EFI_INPUT_KEY key;
        if (!EFI_ERROR(input->ReadKeyStroke(input, &key)))
            return key.UnicodeChar ? key.UnicodeChar : 0x100u + key.ScanCode;
        app->services->Stall(50000);
    }
    return 0;
}
