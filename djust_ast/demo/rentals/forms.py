from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms

from .models import Lease

if TYPE_CHECKING:
    LeaseModelForm = forms.ModelForm[Lease]
else:
    LeaseModelForm = forms.ModelForm


class LeaseForm(LeaseModelForm):
    """What may be changed about a lease."""

    class Meta:
        model = Lease
        fields = ("status", "start", "end", "rent", "deposit", "terms")
        widgets = {
            "start": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "end": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "terms": forms.Textarea(attrs={"rows": 5}),
        }

    def clean(self) -> dict[str, Any] | None:
        """Refuse a lease that ends before it starts."""
        cleaned = super().clean()
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if isinstance(start, date) and isinstance(end, date) and end < start:
            self.add_error("end", "A lease cannot end before it starts.")
        return cleaned
