"""Components of django-components: a template each, and what their Python code hands to it."""

from django_components import Component, register


@register("card")
class Card(Component):
    template = """
<article class="{{ css }}">
  <h2>{{ heading }}</h2>
  {% slot "body" default / %}
  {% if lease.co_signer %}<i>{{ lease.co_signer.user.email }}</i>{% endif %}
  <ul>{% for payment in lease.payments.all %}<li>{{ payment.amount }}</li>{% endfor %}</ul>
  <footer>{% slot "footer" %}no footer{% endslot %}</footer>
</article>"""

    def get_template_data(self, args, kwargs, slots, context):
        return {"css": "card", **kwargs}


@register("badge")
class Badge(Component):
    template = '<b class="badge">{{ label }}</b>'

    def get_template_data(self, args, kwargs, slots, context):
        return {"label": args[0]}


@register("row")
class Row(Component):
    template = (
        "<p>{{ property.name }} {{ property.insurance.company }} ({{ property.photos.count }}):"
        ' {% slot "body" default / %}</p>'
    )

    def get_template_data(self, args, kwargs, slots, context):
        return {"property": kwargs["property"]}
