"""One field template for every form: label, hint, error, and the aria links between them."""

from django.forms import Field
from django.forms.renderers import TemplatesSetting


class PlainFormRenderer(TemplatesSetting):
    """Render forms with our templates."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"


def needed_sometimes(field: Field) -> Field:
    """Mark a field that another answer makes compulsory: its label says nothing of "optional", its hint says when."""
    field.needed_sometimes = True
    return field
