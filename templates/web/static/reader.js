// Two small kindnesses; every page works without them.

// The zone this browser lives in, where nobody has said another.
for (const field of document.querySelectorAll('[data-guess="zone"]')) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  if (zone && field.value === field.defaultValue) field.value = zone
}

// The preview, while one types; never by itself, for opening a page changes nothing.
for (const form of document.querySelectorAll('form[data-preview]')) {
  const place = document.getElementById(form.dataset.preview)
  const told = document.getElementById(`${form.dataset.preview}-said`)
  let waiting, asked
  const look = async () => {
    asked?.abort()
    asked = new AbortController()
    const data = new FormData(form)
    if (!['wants', 'keywords', 'authors', 'kept', 'example'].some(name => data.get(name))) return
    data.set('do', 'glance')
    place.setAttribute('aria-busy', 'true')
    try {
      const answer = await fetch(form.action, {
        method: 'POST', body: new URLSearchParams(data), signal: asked.signal
      })
      if (answer.ok) place.innerHTML = await answer.text()
      told.textContent = place.querySelector('h2, .fault p')?.textContent ?? ''
      place.removeAttribute('aria-busy')
    } catch (error) {
      if (error.name !== 'AbortError') place.removeAttribute('aria-busy')
    }
  }
  form.addEventListener('input', event => {
    if (['find', 'email', 'name'].includes(event.target.name)) return
    clearTimeout(waiting)
    waiting = setTimeout(look, 500)
  })
}
