"""One field template for every form: label, hint, error, and the aria links between them."""

from django.forms.renderers import TemplatesSetting


class PlainFormRenderer(TemplatesSetting):
    """Render forms with our templates."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
