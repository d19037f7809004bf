// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "tui/locale.h"

static const struct tconn_locale locales[] = {
	{
		.tag = "en",
		.trusted = "Trusted screen", .lamp = "The lamp must be lit.",
		.phrase = "Your phrase:",
		.confirm = "Please confirm", .pin = "Enter your PIN", .notice = "Please read",
		.do_confirm = "confirm", .do_deny = "deny",
		.hold = "hold %s s", .twice = "press twice", .point = '.',
		.do_digits = "digits", .do_delete = "delete", .do_send = "send",
		.do_cancel = "cancel", .do_read = "I have read this",
		.digits = "%u digits", .digits_range = "%u to %u digits",
		.early = "Too early. Please read, then press again.",
		.more = "More digits are needed before %s.",
		.full = "No more digits fit. Backspace deletes one.",
	}, {
		.tag = "de",
		.trusted = "Vertrauenswürdige Anzeige", .lamp = "Die Lampe muss leuchten.",
		.phrase = "Ihr Merksatz:",
		.confirm = "Bitte bestätigen", .pin = "PIN eingeben", .notice = "Bitte lesen",
		.do_confirm = "bestätigen", .do_deny = "ablehnen",
		.hold = "%s s halten", .twice = "zweimal drücken", .point = ',',
		.do_digits = "Ziffern", .do_delete = "löschen", .do_send = "senden",
		.do_cancel = "abbrechen", .do_read = "Ich habe das gelesen",
		.digits = "%u Ziffern", .digits_range = "%u bis %u Ziffern",
		.early = "Zu früh. Bitte lesen, dann noch einmal drücken.",
		.more = "Vor %s fehlen noch Ziffern.",
		.full = "Mehr Ziffern passen nicht. Backspace löscht eine.",
	}, {
		.tag = "fr",
		.trusted = "Écran de confiance", .lamp = "Le voyant doit être allumé.",
		.phrase = "Votre phrase :",
		.confirm = "Veuillez confirmer", .pin = "Saisissez votre code PIN",
		.notice = "Veuillez lire",
		.do_confirm = "confirmer", .do_deny = "refuser",
		.hold = "tenir %s s", .twice = "appuyer deux fois", .point = ',',
		.do_digits = "chiffres", .do_delete = "effacer", .do_send = "envoyer",
		.do_cancel = "annuler", .do_read = "J’ai lu ceci",
		.digits = "%u chiffres", .digits_range = "%u à %u chiffres",
		.early = "Trop tôt. Lisez, puis appuyez encore.",
		.more = "Il manque des chiffres avant %s.",
		.full = "Plus de place. Backspace efface un chiffre.",
	}, {
		.tag = "he", .rtl = true,
		.trusted = "מסך מהימן", .lamp = "הנורה חייבת לדלוק.",
		.phrase = "המשפט שלך:",
		.confirm = "נא לאשר", .pin = "נא להקיש קוד אישי", .notice = "נא לקרוא",
		.do_confirm = "אישור", .do_deny = "סירוב",
		.hold = "להחזיק %s שניות", .twice = "ללחוץ פעמיים", .point = '.',
		.do_digits = "ספרות", .do_delete = "מחיקה", .do_send = "שליחה",
		.do_cancel = "ביטול", .do_read = "קראתי",
		.digits = "%u ספרות", .digits_range = "%u עד %u ספרות",
		.early = "מוקדם מדי. נא לקרוא וללחוץ שוב.",
		.more = "חסרות ספרות לפני %s.",
		.full = "אין מקום לעוד ספרות. Backspace מוחק אחת.",
	}, {
		.tag = "ar", .rtl = true,
		.trusted = "شاشة موثوقة", .lamp = "يجب أن يكون المصباح مضاء.",
		.phrase = "عبارتك:",
		.confirm = "يرجى التأكيد", .pin = "أدخل رقمك السري", .notice = "يرجى القراءة",
		.do_confirm = "تأكيد", .do_deny = "رفض",
		.hold = "اضغط مطولا %s ث", .twice = "اضغط مرتين", .point = '.',
		.do_digits = "أرقام", .do_delete = "حذف", .do_send = "إرسال",
		.do_cancel = "إلغاء", .do_read = "قرأت هذا",
		.digits = "%u أرقام", .digits_range = "من %u إلى %u رقما",
		.early = "مبكر جدا. اقرأ ثم اضغط مرة أخرى.",
		.more = "تنقص أرقام قبل %s.",
		.full = "لا مكان لأرقام أخرى. Backspace يحذف رقما.",
	},
};

const struct tconn_locale *tconn_locale_find(const char *tag)
{
	if (!*tag)
		return &locales[0];
	for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++)
		if (!strcmp(tag, locales[i].tag))
			return &locales[i];
	return NULL;
}

const struct tconn_locale *tconn_locale_of(const struct tconn_statement *s)
{
	const struct tconn_locale *found = tconn_locale_find(s->locale);

	return found ? found : &locales[0];
}
